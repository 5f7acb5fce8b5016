"""Outside parties: the language models behind one Protocol."""
