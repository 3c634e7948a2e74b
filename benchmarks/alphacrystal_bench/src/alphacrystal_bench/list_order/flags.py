"""Shares of experimental validation compounds with each flag, and flags of impossible structures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from alphacrystal.generate import Candidate
from alphacrystal.ranking import FLAGS, flags
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table, page_text, percent
from alphacrystal_bench.known_crystals.tables import SIZES
from alphacrystal_bench.known_crystals.validation_sizes import validation_records

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.data import StructureRecord

#: They compare with a predicted volume, a second potential or other rows, which a known crystal lacks.
LEFT_OUT = ("volume", "disagreement", "close")


def benchmark_flags(
    records: Iterable[StructureRecord], on_progress: Progress, *, per_class: int, seed: int = 0
) -> dict[str, Any]:
    """Flags of known crystals, which should be few, and of structures that cannot exist.

    Args:
        records: Records with a validation split.
        on_progress: Called with (stage, done, total).
        per_class: Compounds of each size class, drawn at random.
        seed: Seed of the sample.
    """
    chosen = validation_records(records, per_class, seed)
    counts: Counter[str] = Counter()
    unknown: list[str] = []
    for done, record in enumerate(chosen):
        on_progress("flags", done, len(chosen))
        found = flags_of(record.structure())
        counts.update(found)
        if "unknown" in found:
            unknown.append(record.reduced_formula)
    on_progress("flags", len(chosen), len(chosen))
    names = [name for name in FLAGS if name not in LEFT_OUT]
    return {
        "n": len(chosen),
        "seed": seed,
        "shares": {name: round(counts[name] / len(chosen), 4) for name in names},
        "flagged_formulas": sorted(unknown)[:MAX_NAMED],
        "impossible": [
            {"structure": name, "flags": list(flags_of(structure))}
            for name, structure in impossible_structures().items()
        ],
    }


MAX_NAMED = 40


def flags_of(structure: Structure) -> tuple[str, ...]:
    """Flags of a known crystal, without those that compare with a hypothesis."""
    return flags(structure, Candidate(structure, "file", None))


def impossible_structures() -> dict[str, Structure]:
    """Structures far from everything that is known, by name."""
    from pymatgen.core import Lattice, Structure

    def cubic(group: int, edge: float, species: list[str], sites: list[list[float]]) -> Structure:
        return Structure.from_spacegroup(group, Lattice.cubic(edge), species, sites).get_primitive_structure()

    fluorite = [[0.0] * 3, [0.25] * 3]
    rock_salt = [[0.0] * 3, [0.5] * 3]
    return {
        "NaHe2, fluorite type": cubic(225, 5.6, ["Na", "He"], fluorite),
        "ArF2, fluorite type": cubic(225, 5.0, ["Ar", "F"], fluorite),
        "Ne, fcc with 1.6 Å": cubic(225, 2.26, ["Ne"], [[0.0] * 3]),
        "NaCl, rock salt with 2.2 Å": cubic(225, 4.4, ["Na", "Cl"], rock_salt),
        "NaCl, rock salt with 4.0 Å": cubic(225, 8.0, ["Na", "Cl"], rock_salt),
        "NaK, CsCl type with 2.4 Å": cubic(221, 2.77, ["Na", "K"], rock_salt),
        "MgO2, fluorite type with O-O 1.0 Å": cubic(225, 2.0, ["Mg", "O"], fluorite),
        "KAr, rock salt": cubic(225, 6.4, ["K", "Ar"], rock_salt),
    }


def render(result: Mapping[str, Any]) -> str:
    """Shares of the flags, and flags of structures that cannot exist."""
    shares = [
        [f"`{name}`", text, percent(result["shares"][name])]
        for name, text in FLAGS.items()
        if name in result["shares"]
    ]
    impossible_rows = [
        [item["structure"], ", ".join(f"`{flag}`" for flag in item["flags"]) or "none"]
        for item in result["impossible"]
    ]
    details = f", {len(SIZES)} size classes"
    lines = [
        f"# Flags of {result['n']} experimental validation compounds",
        "",
        fact_line("flags", result, options=" --data DIR", details=details),
        "",
        page_text("flags_page"),
        "",
        *markdown_table(["flag", "meaning", "share of known crystals"], shares),
        "",
        *markdown_table(["structure that cannot exist", "flags"], impossible_rows),
    ]
    return "\n".join(lines) + "\n"
