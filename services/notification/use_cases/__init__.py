"""What notification does: note what happened, keep who is told, send, and show what was sent."""

from services.notification.use_cases.deliveries import Deliveries
from services.notification.use_cases.noting import Noting
from services.notification.use_cases.sending import Sending
from services.notification.use_cases.subscriptions import Subscriptions

__all__ = ["Deliveries", "Noting", "Sending", "Subscriptions"]
