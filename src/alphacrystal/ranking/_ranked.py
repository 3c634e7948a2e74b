"""Rows of the final list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.diffraction import PatternFit
    from alphacrystal.generate import Candidate
    from alphacrystal.ranking._hull import DecompositionProduct
    from alphacrystal.relaxation import Phonons, Relaxation

#: Values of ``RankedStructure.known`` that are no identifiers.
OTHER_STRUCTURE, NEW_FORMULA = "other structure", "new"
#: Key of the provenance of a candidate that follows an unstable mode: the number of the unstable candidate.
MODE_OF = "mode_of_candidate"
MEASURED_CELL = "measured_cell"  # of a copy that was relaxed in the cell that indexes the pattern of the run
#: Name of the generator of candidates that are structures of the user.
SEED = "seed"


def novelty(known: str) -> str:
    """``RankedStructure.known`` in words, e.g. "known structure (mp-22862)"; "" without a table."""
    words = {"": "", OTHER_STRUCTURE: "known formula, other structure", NEW_FORMULA: NEW_FORMULA}
    return words.get(known, f"known structure ({known})")


@dataclass(frozen=True, slots=True)
class SecondEnergy:
    """Energy of a listed structure by a second potential, an enthalpy under pressure.

    Attributes:
        potential: Name of the second potential.
        energy_per_atom: eV/atom.
        above_lowest: eV/atom above the lowest energy by this potential in the list.
        energy_rank: Rank by this energy among the structures of the list that have one.
        formation_energy_per_atom: eV/atom; None without elemental references of this potential.
    """

    potential: str
    energy_per_atom: float
    above_lowest: float
    energy_rank: int
    formation_energy_per_atom: float | None


@dataclass(frozen=True, slots=True)
class RankedStructure:
    """One distinct structure of the final list, with both ranks.

    Attributes:
        rank: 1 is best, by the documented default order.
        chemical_rank: Rank by prior × geometry.
        energy_rank: Rank by energy (enthalpy) per atom after relaxation; None without energies.
        structure: Symmetrised conventional cell, ITA standard setting.
        primitive: Primitive cell of the same structure (relaxed where relaxation ran).
        space_group_number: Found at symprec 0.1 Å.
        space_group_symbol: Hermann-Mauguin short symbol.
        candidate: The candidate it came from (the best of its duplicates).
        candidate_index: Position of that candidate in the run's candidate list, from 0.
        duplicates: Indices of further candidates that ended in the same structure.
        relaxation: None with --no-relax.
        formation_energy_per_atom: eV/atom against elemental references of the same potential, without
            dispersion.
        energy_above_hull_per_atom: eV/atom, negative below the hull; None without a named reference set.
        decomposition: Phases of the reference set on the hull at this composition.
        score: Sort key of the chosen order, lower is better (see docs/ranking.md).
        probability: That this is the known or ground-state structure; None where the structure types of some
            candidates have no probability.
        known: Identifier of the known phase that it is, OTHER_STRUCTURE or NEW_FORMULA; "" without a table.
        flags: Reasons to doubt its energy or shape, keys of FLAGS.
        plain_energy_per_atom: eV/atom without dispersion, None where the relaxation has none.
        phonons: Its phonons, None where they were not computed.
        second: Its energy by the second potential, None without one.
        tight_space_group: International number found at symprec 0.01 Å, for comparison.
        pattern_fit: Its fit to the measured powder pattern, None without one.
        structure_type: Label of its structure type in the style of AFLOW, see `crystal.structure_label`.
        prototype: Names of the prototypes of this type, "" without one.
    """

    rank: int
    chemical_rank: int
    energy_rank: int | None
    structure: Structure
    primitive: Structure
    space_group_number: int
    space_group_symbol: str
    candidate: Candidate
    candidate_index: int
    duplicates: tuple[int, ...]
    relaxation: Relaxation | None
    formation_energy_per_atom: float | None
    energy_above_hull_per_atom: float | None
    score: float
    probability: float | None = None
    decomposition: tuple[DecompositionProduct, ...] = ()
    tight_space_group: int | None = None
    known: str = ""
    flags: tuple[str, ...] = ()
    plain_energy_per_atom: float | None = None
    phonons: Phonons | None = None
    pattern_fit: PatternFit | None = None
    second: SecondEnergy | None = None
    structure_type: str = ""
    prototype: str = ""
