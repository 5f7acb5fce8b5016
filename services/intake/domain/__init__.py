"""What intake decides, without I/O: is the form right, how far is the order, what is the answer."""
