"""The generator turns an accepted order into a care plan with a language model, and owns the plan's versions and review.

comes in   careplan.decisions: OrderAccepted; careplan.orders: CarePlanRequested; a pharmacist's revisions and approvals
goes out   careplan.careplans: CarePlanCompleted, CarePlanFailed, CarePlanRevised, CarePlanApproved
owns       the jobs, the model's answers, every version of every care plan
never      decides whether an order may be filled, or signs a plan
"""
