"""Rules about the prescriber."""

from typing import Literal

from schemas.order import Finding, Order
from services.validation.domain.register import Register

CheckDigitRule = Literal["warning", "block", "off"]


def provider_npi_conflict(order: Order, known: Register) -> Finding | None:
    """An NPI belongs to one provider: a known one with another name is a mistake to correct."""
    registered = known.providers.get(order.provider.npi)
    if registered is None or known.sameness.provider(registered.name) == known.sameness.provider(order.provider.name):
        return None
    return Finding(
        type="block",
        code="PROVIDER_NPI_CONFLICT",
        message=f"NPI {order.provider.npi} is registered to another provider name.",
        detail={"npi": order.provider.npi, "on_file": registered.name, "submitted": order.provider.name},
    )


def npi_check_digit(order: Order, rule: CheckDigitRule) -> Finding | None:
    """The tenth digit of an NPI follows from the nine before it: a wrong one is a typing mistake."""
    if rule == "off" or has_right_check_digit(order.provider.npi):
        return None
    return Finding(
        type=rule,
        code="NPI_CHECK_DIGIT",
        message=f"The check digit of NPI {order.provider.npi} is wrong.",
        detail={"npi": order.provider.npi},
    )


def has_right_check_digit(npi: str) -> bool:
    """Luhn over 80840 (health, USA) and the NPI, as CMS defines it."""
    total = 0
    for place, digit in enumerate(reversed("80840" + npi)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
