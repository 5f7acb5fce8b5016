"""What the generator counts beside what every service does; each help text is the question it answers."""

from prometheus_client import Counter, Histogram

from services.generator.adapters.model import ModelAnswer

# business
MODEL_TOKENS = Counter("careplan_model_tokens", "How many tokens did the language model take and give?", ("kind",))
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


def count_tokens(answer: ModelAnswer) -> None:
    MODEL_TOKENS.labels("input").inc(answer.input_tokens)
    MODEL_TOKENS.labels("cached").inc(answer.cached_input_tokens)
    MODEL_TOKENS.labels("output").inc(answer.output_tokens)
