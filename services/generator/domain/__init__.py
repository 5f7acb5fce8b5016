"""What a care plan is made of and what it must satisfy: pure, from values to values.

request    order + knowledge ──> PlanRequest: the facts that apply, the checklist, doses, calendar, gaps
answer     what a model must return; assemble makes a CarePlan of it, guards say whether it may be shown
redaction  what has to be taken out before anything leaves for a model, and put back afterwards
"""
