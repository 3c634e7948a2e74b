"""Crystals in JSON, decoded by a strict schema: a class or module that a document names is never used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.composition import element_table
from alphacrystal.errors import InputError, validation_problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pymatgen.core.structure import Structure

#: Isotope symbols that crystallographers use, and their elements.
ISOTOPES = {"D": "H", "T": "H"}
#: Sites of the largest structure that is read from any file.
MAX_SITES = 20_000
#: Occupancies that differ from 1 by less count as full: files round them.
OCCUPANCY_TOLERANCE = 0.0101
#: Å. No bond is shorter than 0.7 Å, and no inorganic cell comes near a tenth of the upper limit.
MIN_EDGE, MAX_EDGE = 0.5, 1e4
#: Å³ per atom. Metallic hydrogen at 500 GPa has more than 1.
MIN_VOLUME = 0.5
#: Fractional; larger coordinates have too few digits left for the position.
MAX_COORDINATE = 1e6

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Vector = Annotated[list[_Number], Field(min_length=3, max_length=3)]


class _Species(BaseModel):
    model_config = ConfigDict(extra="ignore")

    element: str
    occu: _Number = 1.0


class _Site(BaseModel):
    model_config = ConfigDict(extra="ignore")

    species: list[_Species] = Field(min_length=1)
    abc: _Vector


class _Lattice(BaseModel):
    model_config = ConfigDict(extra="ignore")

    matrix: Annotated[list[_Vector], Field(min_length=3, max_length=3)]
    pbc: list[bool] = [True, True, True]


class _StructureDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    lattice: _Lattice
    sites: list[_Site] = Field(min_length=1)


def structure_from_json(
    document: object, name: str = "the structure", *, disordered: bool = False
) -> Structure:
    """Build a crystal from the dictionary form of a pymatgen ``Structure``.

    Only lattice vectors, elements and fractional coordinates are read. Oxidation states, charges, labels,
    site properties and every ``@module`` are ignored, so a document cannot name code to run. Several entries
    of one element on a site (mixed valence) count together.

    Args:
        document: Parsed JSON: ``lattice.matrix`` in Å (rows are vectors), and ``sites`` with ``species`` and
            ``abc``.
        name: Name of the document in error messages.
        disordered: Accept sites that are partly occupied or shared.

    Raises:
        InputError: The document breaks the schema, is disordered (without ``disordered``), or cannot be a
            crystal.
    """
    from pymatgen.core import Lattice, Structure

    if not isinstance(document, dict) or not document.keys() >= {"lattice", "sites"}:
        raise InputError(f"{name} is not a crystal structure: it has no lattice and no sites.")
    sites = document["sites"]
    if isinstance(sites, list) and len(sites) > MAX_SITES:
        raise InputError(f"{name} has {len(sites)} sites; at most {MAX_SITES} can be read.")
    try:
        parsed = _StructureDocument.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{name} is not a crystal structure: {validation_problem(error)}.") from error
    if not all(parsed.lattice.pbc):
        raise InputError(f"{name} is not periodic in three directions: give a crystal.")
    contents = [
        _content(site, number, name, disordered=disordered)
        for number, site in enumerate(parsed.sites, start=1)
    ]
    coordinates = [site.abc for site in parsed.sites]
    if reason := implausible(parsed.lattice.matrix, coordinates):
        raise InputError(f"{name} cannot be a crystal: {reason}.")
    return Structure(Lattice(parsed.lattice.matrix), contents, coordinates)


def structure_to_json(structure: Structure) -> dict[str, Any]:
    """The document that ``structure_from_json`` and pymatgen read back bit for bit."""
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "lattice": {"matrix": structure.lattice.matrix.tolist()},
        "sites": [
            {"species": [{"element": site.specie.symbol, "occu": 1}], "abc": site.frac_coords.tolist()}
            for site in structure
        ],
    }


def _content(site: _Site, number: int, name: str, *, disordered: bool) -> str | dict[str, float]:
    """The element of a site, or its elements with their occupancies."""
    known = element_table().symbols
    contents: dict[str, float] = {}
    for species in site.species:
        symbol = ISOTOPES.get(species.element, species.element)
        if symbol not in known[1:]:
            raise InputError(
                f"Site {number} of {name} holds {symbol[:20]!r}, which is not an element from H to Lr."
            )
        contents[symbol] = contents.get(symbol, 0.0) + species.occu
    occupancy = sum(contents.values())
    if any(not 0 <= species.occu <= 1 + OCCUPANCY_TOLERANCE for species in site.species):
        raise InputError(f"Site {number} of {name} has an occupancy that is not between 0 and 1.")
    if len(contents) == 1 and abs(occupancy - 1.0) <= OCCUPANCY_TOLERANCE:
        return next(iter(contents))
    text = ", ".join(f"{species.occu:g} {species.element}" for species in site.species[:5])
    if disordered and occupancy > 1 + OCCUPANCY_TOLERANCE:
        raise InputError(
            f"Site {number} of {name} holds more than one atom ({text}): correct the occupancies."
        )
    if disordered:
        scale = max(occupancy, 1.0)
        return {symbol: share / scale for symbol, share in contents.items() if share > 0}
    raise InputError(
        f"{name} is disordered (site {number} holds {text}): give an ordered structure; alphacrystal relax "
        "lists its ordered approximants."
    )


def implausible(lattice: ArrayLike, frac_coords: ArrayLike) -> str | None:
    """One clause that says why no crystal can have this cell and these coordinates, or None.

    The limits are wide: they accept realistic proposals of a search or a user, with any energy.

    Args:
        lattice: Rows in Å, shape (3, 3).
        frac_coords: Fractional coordinates, shape (atoms, 3).
    """
    cell, sites = np.asarray(lattice, float), np.asarray(frac_coords, float)
    if not (np.isfinite(cell).all() and np.isfinite(sites).all()):
        return "its cell or a coordinate is not a finite number"
    edges = np.hypot(np.hypot(cell[:, 0], cell[:, 1]), cell[:, 2])
    if edges.max() > MAX_EDGE:
        return f"its cell has an edge of {edges.max():.3g} Å, and no crystal has more than {MAX_EDGE:.0f}"
    if edges.min() < MIN_EDGE:
        return f"its cell has an edge of {edges.min():.3g} Å, and no crystal has less than {MIN_EDGE}"
    volume = abs(float(np.linalg.det(cell))) / max(len(sites), 1)
    if volume < MIN_VOLUME:
        return f"it has {volume:.2g} Å³ per atom, and no crystal has less than {MIN_VOLUME}"
    if len(sites) and np.abs(sites).max() > MAX_COORDINATE:
        return "a coordinate lies more than a million cells away"
    return None
