"""The published language: what the services tell each other, and nothing about how.

event.py      the envelope (CloudEvents) and the base of every fact
order.py      Order, Patient, Provider, Finding            careplan.py  CarePlan and its items
intake.py     validation.py     generator.py               the facts that each service alone writes
topics.py     the catalogue: topic, key, writer, facts     json/ asyncapi.yaml  generated from these
"""
