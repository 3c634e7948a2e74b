"""Check of the prototype table: known crystals of the compounds that it lists have the label and the name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from alphacrystal.crystal import prototype_table, within_ranges
from alphacrystal.data import StructureRecord, read_records
from alphacrystal_bench.harness.pages import fact_line, markdown_table, percent
from alphacrystal_bench.harness.registry import Result
from alphacrystal_bench.known_crystals.prototype_members import (
    Member,
    coordination_ranges,
    members,
    typical_members,
)

LEAST_COMPOUNDS = 3  # of a prototype, for the test without one of them


def check_prototypes(records: Iterable[StructureRecord]) -> Result:
    """For each prototype, the compounds with a structure that has its label, conditions and coordination.

    Structures of a listed compound with another label are other polymorphs. Those with the label and the
    conditions, but another coordination, are counted.

    Args:
        records: Known crystals.
    """
    found = members(records)
    rows = []
    for prototype in (item for named in prototype_table().values() for item in named):
        isopointal = found.get((prototype.label, prototype.name), [])
        named = [item for item in isopointal if within_ranges(item.coordination, prototype.coordination)]
        verified: dict[str, str] = {}
        for member in named:
            verified.setdefault(member.formula, member.id)
        rows.append(
            {
                "name": prototype.name,
                "label": prototype.label,
                "conditions": list(prototype.conditions),
                "verified": [{"formula": formula, "id": id_} for formula, id_ in verified.items()],
                "other_coordination": len(isopointal) - len(named),
            }
        )
    left_out = without_one_compound(found)
    return {
        "prototypes": len(rows),
        "labels": len(prototype_table()),
        "structures": sum(map(len, found.values())),
        "verified": sum(bool(row["verified"]) for row in rows),
        "left_out": len(left_out),
        "named_when_left_out": sum(named for *_, named in left_out),
        "lost_when_left_out": [f"{formula} ({name})" for name, formula, named in left_out if not named],
        "rows": rows,
    }


def without_one_compound(
    found: Mapping[tuple[str, str], Sequence[Member]],
) -> list[tuple[str, str, bool]]:
    """Whether each compound has the name with the ranges of the other compounds of its prototype.

    Returns:
        Name, formula and answer for each compound of prototypes with LEAST_COMPOUNDS or more.
    """
    answers = []
    for (_, name), of_type in found.items():
        compounds: dict[str, list[Member]] = defaultdict(list)
        for member in of_type:
            compounds[member.formula].append(member)
        if len(compounds) < LEAST_COMPOUNDS:
            continue
        for formula, mine in sorted(compounds.items()):
            others = [member for member in of_type if member.formula != formula]
            ranges = coordination_ranges(typical_members(others))
            answers.append(
                (name, formula, any(within_ranges(member.coordination, ranges) for member in mine))
            )
    return answers


def benchmark_prototypes(data: Path) -> Result:
    """The check with all records."""
    return check_prototypes(read_records(data))


def render(result: Result) -> str:
    """The Markdown page of a result."""
    unverified = [row for row in result["rows"] if not row["verified"]]
    table = markdown_table(
        ("prototype", "label", "checked with"),
        [
            (
                row["name"],
                f"`{row['label']}`",
                ", ".join(f"{crystal['formula']} ({crystal['id']})" for crystal in row["verified"][:2])
                or "–",
            )
            for row in result["rows"]
        ],
    )
    without = ", ".join(row["name"] for row in unverified) or "none"
    text = (
        f"{result['verified']} of {result['prototypes']} prototypes have a known crystal of a compound of "
        f"the table with the label, the conditions and the coordination ({result['structures']} structures "
        f"were compared). The others ({without}) have no structure in these data and rest on the sources of "
        "the table alone."
    )
    share = percent(result["named_when_left_out"] / max(result["left_out"], 1))
    lost = ", ".join(result["lost_when_left_out"]) or "none"
    test = (
        "A name must not be lost for compounds that the table does not list. In prototypes with at least "
        f"{LEAST_COMPOUNDS} compounds, each compound was compared with the ranges of the others: "
        f"{result['named_when_left_out']} of {result['left_out']} ({share}) have the name. Lost in this "
        f"test: {lost}. The shipped ranges contain these compounds."
    )
    lines = ["# Prototypes", "", fact_line("prototypes --data DIR", result), "", text, "", test, ""]
    return "\n".join([*lines, *table, ""])
