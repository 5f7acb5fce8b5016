"""Intake takes orders in, from whichever door, exactly once, and tells how far each one is.

comes in   POST /api/orders, POST /api/intake/{source}; careplan.decisions and careplan.careplans, for each order's status
goes out   careplan.orders: OrderReceived, OrderConfirmed, CarePlanRequested
owns       orders as submitted and what they came as, their status and timeline, ICD-10-CM, the accounts
never      decides whether an order is a duplicate, or writes a care plan
"""
