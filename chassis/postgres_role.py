"""Who a service is to PostgreSQL. By itself, so that who only starts services need not load what they are made of."""


def role_of(service: str) -> str:
    """The database role of a service: it may use its own schema, and nothing else."""
    return f"careplan_{service}"
