"""Notification's decisions: what is told, in which words, where to, and when again.

happening.py      which events are told, as which status      subscription.py   the forms, and what is wrong with one
message.py        the body of a webhook, the text of a mail   endpoint.py       which URLs and addresses we send to
schedule.py       when a delivery is tried again, and when it is given up
"""
