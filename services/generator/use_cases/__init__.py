"""What the generator does: write care plans (writing.py), and let a pharmacist revise and sign them (review.py)."""

from services.generator.use_cases.review import Review
from services.generator.use_cases.writing import FACTS, Generator

__all__ = ["FACTS", "Generator", "Review"]
