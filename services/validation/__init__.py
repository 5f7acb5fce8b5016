"""Validation says of each order: accepted, to be confirmed, or rejected, and why.

comes in   careplan.orders: OrderReceived, OrderConfirmed
goes out   careplan.decisions: OrderAccepted, OrderWarned, OrderRejected
owns       the patients and providers of accepted orders, and which drug they had on which day
never      looks at the form of an order (intake did), or at anything but what was accepted before
"""
