"""Outside parties: one file per order source (`sources.py` lists them), files of records, the document store, ICD-10-CM."""
