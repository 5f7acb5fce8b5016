"""What a fact changes in the read model, and how it is shown. No I/O."""
