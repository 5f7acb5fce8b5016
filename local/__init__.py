"""The all-in-one: the whole system on one machine, with nothing to install first.

Comes in: `python -m local …` and the variables of .env.example.
Goes out: a running PostgreSQL, broker and every service, on 127.0.0.1 only.
Owns: what lies under CAREPLAN_HOME, and every process that it starts.
Never does: anything that a service needs in production.
"""
