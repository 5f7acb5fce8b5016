"""Notification tells partners and staff what became of an order: signed webhooks, and e-mail without patient data.

comes in   careplan.orders: OrderReceived; careplan.decisions: OrderWarned, OrderRejected; careplan.careplans: CarePlanCompleted, CarePlanFailed
goes out   HTTPS posts to subscribed addresses, and e-mail; nothing on Kafka
owns       each order's source, the subscriptions with their secrets, and every delivery with its tries
never      sends or keeps anything about a patient; connects to an address that is not public
"""
