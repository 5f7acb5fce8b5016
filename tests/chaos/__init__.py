"""Chaos: the whole system, each service in processes of its own, under orders of every kind, while its parts die.

Comes in: a seed, minutes, a broker (`make chaos SEED=7 MINUTES=2 BROKER=kafka`).
Goes out: a verdict from the public API and from the model's own count of its calls; a report in a folder.
Owns: the schedule of faults, the orders, the fake model server, the verdict, the mutants that prove it can fail.
Never does: look into a database or a topic to decide; what a partner cannot see is not its affair.
"""
