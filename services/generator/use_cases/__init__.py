"""What the generator does: write care plans (writing.py) by asking models (asking.py), let a pharmacist revise and sign
them (review.py), and say what it cost (accounts.py).
"""

from services.generator.use_cases.accounts import Accounts
from services.generator.use_cases.asking import Asking, Budget
from services.generator.use_cases.looking_up import LookingUp
from services.generator.use_cases.review import Review
from services.generator.use_cases.writing import FACTS, Generator

__all__ = ["FACTS", "Accounts", "Asking", "Budget", "Generator", "LookingUp", "Review"]
