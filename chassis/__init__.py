"""What every service is bolted to; knows no order, patient or drug.

settings.py errors.py ids.py crypto.py telemetry.py     small tools
database.py batches.py                                   transactions that carry `emit` and `first_time`; group commit
web.py security.py idempotency.py ops.py                 HTTP: one app, one error form, who is calling
cleanup.py                                               what may be forgotten after a while
messaging/                                               Kafka: codec, outbox and relay, inbox, dead letters, jobs
"""
