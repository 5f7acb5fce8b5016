"""Does the search find what is asked for? 37 questions on facts in other words than theirs, 36 on long records.

Each is asked three times: by words alone, by meaning alone, and by both as the product does.
"""
