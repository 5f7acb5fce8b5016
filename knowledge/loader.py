"""Reads the folder into a `KnowledgeBase`, or says which file and which fact is wrong."""

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel

from knowledge.base import KnowledgeBase, NameFinder
from knowledge.errors import KnowledgeError, valid
from knowledge.facts import Fact
from knowledge.models import CrossDrugRule, Drug, DrugClass, SupportMedicine

FOLDER = Path(__file__).parent
Raw = dict[str, Any]
M = TypeVar("M", bound=BaseModel)


def load(folder: Path = FOLDER) -> KnowledgeBase:
    """The whole knowledge base, read and validated anew: the same files always give an equal answer."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*.toml"))}
    raws = {name: _parse(name, text) for name, text in files.items()}
    classes = _classes(raws)
    drugs = tuple(_drug(name, raw, classes) for name, raw in raws.items() if name.startswith("drugs/"))
    support = tuple(_table(raws, "shared/rescue_and_premedication.toml", "medicine", SupportMedicine))
    rules = tuple(_table(raws, "shared/cross_drug_rules.toml", "rule", CrossDrugRule))
    _check_rules(rules, drugs, classes)
    by_name = _by_name(drugs)
    support_names = frozenset(n.casefold() for m in support for n in (m.name, *m.also))
    class_names = {n.casefold() for c in classes.values() for n in (*c.members, *c.brands)}
    return KnowledgeBase(
        version=_version(files),
        drugs=drugs,
        facts=MappingProxyType(_facts(drugs)),
        drug_by_name=MappingProxyType(by_name),
        medication_names=MappingProxyType({name: drug.generic for name, drug in by_name.items()}),
        classes=MappingProxyType(classes),
        support=support,
        rules=rules,
        support_names=support_names,
        known_names=support_names | class_names | by_name.keys(),
        finder=NameFinder(drugs),
    )


def _parse(file: str, text: bytes) -> Raw:
    try:
        # Decimal, so that 0.4 g/kg times 72 kg is 28.8 g and not 28.800000000000004.
        return tomllib.loads(text.decode(), parse_float=Decimal)
    except ValueError as error:
        raise KnowledgeError(f"{file}: {error}") from error


def _table(raws: Mapping[str, Raw], file: str, table: str, model: type[M]) -> list[M]:
    rows = raws.get(file, {}).get(table)
    if not rows:
        raise KnowledgeError(f"{file}: no [[{table}]] found")
    return [valid(model, row, f"{file}: {row.get('id') or row.get('name') or table}") for row in rows]


def _classes(raws: Mapping[str, Raw]) -> dict[str, DrugClass]:
    """The classes, with the brands of each member that has its own file: Cyltezo is a TNF blocker as Humira is."""
    brands = {str(raw.get("generic")).casefold(): _list(raw, "brands") for raw in raws.values()}
    found = _table(raws, "shared/drug_classes.toml", "class", DrugClass)
    more = {c.id: (b for m in c.members for b in brands.get(m.casefold(), ())) for c in found}
    return {c.id: c.model_copy(update={"brands": tuple(dict.fromkeys((*c.brands, *more[c.id])))}) for c in found}


def _drug(file: str, raw: Raw, classes: Mapping[str, DrugClass]) -> Drug:
    _check_shape(file, raw)
    own = {str(name).casefold() for name in (raw.get("generic"), *_list(raw, "brands"))}
    facts = [_spelled_out(fact, classes, own, file) for fact in raw.get("fact", [])]
    header = {key: value for key, value in raw.items() if key != "fact"}
    drug = valid(Drug, {**header, "facts": facts}, file, ids=[str(fact.get("id", "")) for fact in facts])
    if Path(file).stem != drug.id:
        raise KnowledgeError(f"{file}: id '{drug.id}' is not the name of the file")
    for fact in drug.facts:
        if not fact.id.startswith(f"{drug.id}."):
            raise KnowledgeError(f"{file}: {fact.id}: the id does not begin with '{drug.id}.'")
    return drug


def _check_shape(file: str, raw: Raw) -> None:
    """Only as much as the loader itself relies on before the models validate everything."""
    facts = raw.get("fact", [])
    if not isinstance(facts, list) or not all(isinstance(fact, dict) for fact in facts):
        raise KnowledgeError(f"{file}: write facts as [[fact]] tables")
    for fact in facts:
        for key in ("members", "classes"):
            if not isinstance(fact.get(key, []), list):
                raise KnowledgeError(f"{file}: {fact.get('id', 'a fact without id')}: {key} must be a list of names")


def _spelled_out(fact: Raw, classes: Mapping[str, DrugClass], own: Collection[str], file: str) -> Raw:
    """A file may say `classes = ["live_vaccines"]`; who reads the fact always finds the names in `members`.

    The drug's own names are left out, or adalimumab would interact with itself as one of the biologics.
    """
    if fact.get("kind") != "interaction":
        return fact
    members: list[str] = list(fact.get("members", ()))
    for name in fact.get("classes", ()):
        if name not in classes:
            where = fact.get("id", "a fact without id")
            raise KnowledgeError(f"{file}: {where}: unknown class '{name}'; see shared/drug_classes.toml")
        members += (*classes[name].members, *classes[name].brands)
    return {**fact, "members": tuple(m for m in dict.fromkeys(members) if m.casefold() not in own)}


def _list(raw: Raw, key: str) -> list[str]:
    value = raw.get(key)
    return value if isinstance(value, list) else []


def _facts(drugs: Iterable[Drug]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for drug in drugs:
        for fact in drug.facts:
            if fact.id in facts:
                raise KnowledgeError(f"drugs/{drug.id}.toml: {fact.id}: this id is used twice")
            facts[fact.id] = fact
    return facts


def _by_name(drugs: Iterable[Drug]) -> dict[str, Drug]:
    found: dict[str, Drug] = {}
    for drug in drugs:
        for name in drug.names:
            other = found.setdefault(name.casefold(), drug)
            if other is not drug:
                raise KnowledgeError(f"drugs/{drug.id}.toml: '{name}' is already a name of {other.generic}")
    return found


def _check_rules(rules: Iterable[CrossDrugRule], drugs: Iterable[Drug], classes: Mapping[str, DrugClass]) -> None:
    known = {drug.id for drug in drugs}
    for rule in rules:
        unknown = [d for d in rule.drugs if d not in known]
        unknown += [c for c in (*rule.classes, *rule.with_classes) if c not in classes]
        if unknown:
            raise KnowledgeError(f"shared/cross_drug_rules.toml: {rule.id}: unknown {', '.join(unknown)}")


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, text in files.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()[:12]
