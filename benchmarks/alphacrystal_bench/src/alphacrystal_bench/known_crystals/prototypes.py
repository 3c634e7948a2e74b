"""Check of the prototype table: known crystals of the compounds that it lists have the label and the name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pymatgen.core import Composition, Structure

from alphacrystal.crystal import Prototype, prototype_table, prototypes, structure_label
from alphacrystal.data import StructureRecord, read_records
from alphacrystal_bench.harness.pages import fact_line, markdown_table
from alphacrystal_bench.harness.registry import Result


def check_prototypes(records: Iterable[StructureRecord]) -> Result:
    """For each prototype, the compounds with a structure that has its label and fulfils its conditions.

    Structures of a listed compound with another label are other polymorphs. Those with the label that get
    another name, or none, are counted.

    Args:
        records: Known crystals.
    """
    listed: dict[str, list[Prototype]] = defaultdict(list)
    every = [prototype for named in prototype_table().values() for prototype in named]
    for prototype in every:
        for compound in prototype.compounds:
            listed[Composition(compound).reduced_formula].append(prototype)
    found: dict[Prototype, dict[str, str]] = defaultdict(dict)
    other: dict[Prototype, int] = defaultdict(int)
    structures = 0
    for record in records:
        if record.reduced_formula not in listed:
            continue
        structure: Structure = record.structure()
        label = structure_label(structure)
        names = prototypes(structure, label)
        structures += 1
        for prototype in listed[record.reduced_formula]:
            if prototype in names:
                found[prototype].setdefault(record.reduced_formula, record.id)
            elif set(names) != set() and names[0].label == prototype.label:
                other[prototype] += 1
    rows = [
        {
            "name": prototype.name,
            "label": prototype.label,
            "conditions": list(prototype.conditions),
            "verified": [{"formula": formula, "id": id_} for formula, id_ in found[prototype].items()],
            "other_names": other[prototype],
        }
        for prototype in every
    ]
    return {
        "prototypes": len(every),
        "labels": len(prototype_table()),
        "structures": structures,
        "verified": sum(bool(row["verified"]) for row in rows),
        "rows": rows,
    }


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
        f"the table with the label and the name ({result['structures']} structures were read). The others "
        f"({without}) have no structure in these data and stand on the sources of the table alone."
    )
    lines = ["# Prototypes", "", fact_line("prototypes --data DIR", result), "", text, "", *table, ""]
    return "\n".join(lines)
