"""The drug knowledge base: what a care plan may say of a drug, each fact with an id to cite.

Comes in: `drugs/*.toml`, one file a drug, and `shared/*.toml`. Goes out: `load()`, a frozen `KnowledgeBase`.
Never: talks to the network, remembers anything between calls, or claims that a pharmacist has verified a file
whose `reviewed_by` is empty. It imports nothing of ours.
"""

from knowledge.base import KnowledgeBase
from knowledge.errors import KnowledgeError
from knowledge.facts import Fact
from knowledge.loader import load
from knowledge.models import CrossDrugRule, Drug, DrugClass, SupportMedicine

__all__ = ["CrossDrugRule", "Drug", "DrugClass", "Fact", "KnowledgeBase", "KnowledgeError", "SupportMedicine", "load"]
