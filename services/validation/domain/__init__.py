"""Which rule rejects an order? One family of rules a file, one pure function a rule, in the order they are reported:

provider.py     PROVIDER_NPI_CONFLICT (block)   NPI_CHECK_DIGIT (warning)
duplicates.py   DUPLICATE_ORDER_SAME_DAY (block)   DUPLICATE_ORDER_OTHER_DAY (warning)
patient.py      PATIENT_MRN_MISMATCH (warning)   PATIENT_POSSIBLE_DUPLICATE (warning)
decision.py     what the findings come to           identity.py   what counts as "the same"
"""
