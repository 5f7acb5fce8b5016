"""Who did or saw what, when, from where, with what outcome; ids and codes, never content.

entry.py     what one request leaves behind: filled on its way, by the route's name, the caller and the ids it met
table.py     the append-only table: rows in, a page out
recorder.py  a read is noted when its answer begins, and written in batches; a change commits with its own row
seals.py     a hash chain over the rows: sealed in batches, verified by `python -m local audit verify`
"""
