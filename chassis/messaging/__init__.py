"""Kafka, used so that nothing is lost and nothing happens twice.

outbox.py   state and event commit together; the relay sends until Kafka has it
inbox.py    a consumer's effect and its memory of the event commit together
consumer.py polls become transactions; what cannot be handled goes to dead_letters.py, and the rest moves on
lost_log.py what a broker lost is sent again
jobs.py     long work: leased, fenced, retried    codec.py   an event <-> bytes, compressed and encrypted
"""
