"""How good the plans are: 30 cases, hard gates, graded dimensions, and planted faults that prove the grading sees something.

    dataset.jsonl ──> provider ──> plan ──> gates (G1-G12), dimensions (B1-B8) ──> pass gate ──> report
                                     └──> controls (planted faults) and harmless changes, graded the same way

Comes in: a provider by name. Goes out: a Markdown report, JSON, an exit code. Never: changes a plan that it grades.
"""
