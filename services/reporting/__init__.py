"""Reporting is the read side: search, one care plan, downloads, the pharma report and the figures.

comes in   careplan.orders, careplan.decisions, careplan.careplans: everything
goes out   nothing
owns       a copy of every order made for reading, and every version of every care plan
never      changes an order or a care plan
"""
