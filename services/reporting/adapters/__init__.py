"""How a care plan or a report leaves the product: one writer a format."""
