"""Rules about an order that was there before."""

from schemas.order import Finding, Order
from services.validation.domain.register import KnownOrder, Register


def duplicate_order_same_day(order: Order, known: Register) -> Finding | None:
    """The same patient, drug and order date: one order, entered twice."""
    same_day = [earlier for earlier in known.orders_like(order) if earlier.order_date == order.order_date]
    if not same_day:
        return None
    return Finding(
        type="block",
        code="DUPLICATE_ORDER_SAME_DAY",
        message="This patient already has an order for this medication on this date.",
        detail={"orders": _listed(same_day)},
    )


def duplicate_order_other_day(order: Order, known: Register) -> Finding | None:
    """A refill, or a mistake: somebody must say. Hidden by a same-day duplicate."""
    earlier_orders = known.orders_like(order)
    if not earlier_orders or any(earlier.order_date == order.order_date for earlier in earlier_orders):
        return None
    return Finding(
        type="warning",
        code="DUPLICATE_ORDER_OTHER_DAY",
        message="This patient already has an order for this medication on another date.",
        detail={"orders": _listed(earlier_orders)},
    )


def _listed(orders: list[KnownOrder]) -> list[dict[str, str]]:
    """The newest 20."""
    return [{"order_id": str(o.order_id), "order_date": o.order_date.isoformat()} for o in orders[-20:]]
