"""Outside parties: one file per order source, and where ICD-10-CM comes from."""
