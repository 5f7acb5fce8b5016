"""What the generator counts beside what every service does; each help text is the question it answers."""

from decimal import Decimal

from prometheus_client import Counter, Gauge, Histogram

from services.generator.domain.prices import Usage

# business
MODEL_TOKENS = Counter(
    "careplan_model_tokens", "How many tokens did the language models take and give?", ("provider", "model", "kind")
)
MODEL_COST = Counter(
    "careplan_model_cost_usd",
    "What did calls cost, by the dated table of prices, answered or in vain?",
    ("provider", "model"),
)
MODEL_BUDGET = Gauge("careplan_model_budget_usd", "How much may a month cost, 0 where there is no limit?")
MODEL_SPENT = Gauge("careplan_model_spent_usd", "How much of the month's budget is used, with what is set aside?")
ANSWERS_REUSED = Counter("careplan_model_answers_reused", "How many calls did an answer save that was given before?")
PLANS_GIVEN_UP = Counter("careplan_plans_given_up", "Why is there no plan after all tries?", ("reason",))

# performance; an outcome other than "answered" is the reason of a failure, a code
MODEL_SECONDS = Histogram(
    "careplan_model_call_seconds",
    "How long does a call of the language model take, and how does it end?",
    ("provider", "outcome"),
    buckets=(0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300),
)

# errors
ANSWERS_REFUSED = Counter("careplan_answers_refused", "How many answers of the language model were no usable plan?")
BREAKER_OPEN = Gauge("careplan_model_breaker_open", "Is this provider left alone for now?", ("provider",))
BUDGET_USED_UP = Gauge("careplan_model_budget_used_up", "Do orders wait because the month's budget is used up?")


def count_call(provider: str, model: str, usage: Usage, cost: Decimal | None) -> None:
    tokens = {
        "input": usage.input_tokens,
        "cache_write": usage.cache_write_tokens,
        "cached": usage.cached_tokens,
        "output": usage.output_tokens,
    }
    for kind, number in tokens.items():
        MODEL_TOKENS.labels(provider, model, kind).inc(number)
    if cost is not None:
        MODEL_COST.labels(provider, model).inc(float(cost))
