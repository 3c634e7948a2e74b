"""On which scale a potential's energies are, and the MP2020 corrections that a raw scale lacks."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from alphacrystal.errors import PotentialError

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.entries.computed_entries import ComputedEntry

#: The Materials Project puts a Hubbard U on some metals in compounds with these.
_HUBBARD_ANIONS = ("O", "F")


class EnergyScale(StrEnum):
    """Training data of a potential; energies of two scales must never be compared.

    MP2020: PBE/PBE+U of the Materials Project with the MP2020 corrections inside: never add them again.
    MP_RAW: PBE/PBE+U of the Materials Project as computed: the corrections belong on top.
    OTHER: any other scale (r2SCAN, plain PBE, a force field); there is nothing to correct.
    FORMATION: formation energies straight from the model; there is nothing to subtract either.
    """

    MP2020 = "PBE/PBE+U with MP2020 corrections"
    MP_RAW = "PBE/PBE+U without corrections"
    OTHER = "other scale, without corrections"
    FORMATION = "formation energy"


def mp2020_correction_per_atom(structure: Structure) -> float:
    """MP2020 correction in eV/atom of a PBE/PBE+U energy: anions, and metals with a Hubbard U.

    Wang et al., Sci. Rep. 11, 15496 (2021), doi:10.1038/s41598-021-94550-5, as pymatgen implements it;
    the structure distinguishes oxides, peroxides and superoxides.

    Raises:
        PotentialError: pymatgen has no correction for this compound.
    """
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    symbols = {element.symbol for element in structure.composition.elements}
    anions = [anion for anion in _HUBBARD_ANIONS if anion in symbols]
    hubbards = {}
    if anions and len(symbols) > 1:
        table = MaterialsProject2020Compatibility(check_potcar=False).u_settings[anions[0]]
        hubbards = {symbol: table[symbol] for symbol in symbols if symbol in table}
    entry = ComputedStructureEntry(
        structure,
        0.0,
        parameters={"run_type": "GGA+U" if hubbards else "GGA", "hubbards": hubbards},
    )
    return mp2020_correction(entry) / len(structure)


def mp2020_correction(entry: ComputedEntry) -> float:
    """MP2020 correction in eV of a whole GGA or GGA+U entry; the entry is changed.

    Args:
        entry: With the parameters ``run_type`` ("GGA" or "GGA+U") and ``hubbards`` (U in eV by element).

    Raises:
        PotentialError: The scheme has no correction for the entry; gives the reason.
    """
    import warnings

    from pymatgen.entries.compatibility import CompatibilityError, MaterialsProject2020Compatibility

    entry.energy_adjustments = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns of oxidation states that it guessed
        scheme = MaterialsProject2020Compatibility(check_potcar=False)
        try:
            adjustments = scheme.get_adjustments(entry)
        except (CompatibilityError, KeyError) as error:
            # pymatgen appends the whole entry to its reason
            reason = " ".join(str(error).split()).split(" for {", 1)[0].rstrip(".")
            raise PotentialError(
                f"pymatgen has no MP2020 correction for {entry.composition.reduced_formula} ({reason})."
            ) from error
    return float(sum(adjustment.value for adjustment in adjustments))


def corrected_energy_per_atom(structure: Structure, energy_per_atom: float, scale: EnergyScale) -> float:
    """Energy in eV/atom with the corrections that its scale lacks and that belong to it."""
    if scale is not EnergyScale.MP_RAW:
        return energy_per_atom
    return energy_per_atom + mp2020_correction_per_atom(structure)
