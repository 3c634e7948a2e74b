"""Records from any database that speaks OPTIMADE (DOI 10.1038/s41597-021-00974-z)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, MAX_SITES, implausible
from alphacrystal.data._http import fetch_json, host, same_host
from alphacrystal.data._records import StructureRecord
from alphacrystal.data.structure_files import close_pairs
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

_FIELDS = (
    "lattice_vectors", "cartesian_site_positions", "species", "species_at_sites", "nsites", "dimension_types",
    "nperiodic_dimensions", "structure_features", "chemical_formula_reduced",
)  # fmt: skip
#: The last word of a versioned base URL: v1, v1.2, v0.10.1.
_VERSION = re.compile(r"v\d+(\.\d+){0,2}")
_ENDPOINTS = ("structures", "info")
#: An element with or without a site number or an oxidation state: Ti, Ti1, Ti4+.
_LABEL = re.compile(r"([A-Z][a-z]?)\d*[+-]?")
#: Å. Two atoms closer than this are one atom given twice, or a disordered site.
_COINCIDENT = 0.5
#: Occupancies that differ from 1 by less are full.
_FULL = 1e-3


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page of a source.

    Attributes:
        records: Crystals that can be used.
        skipped: Reason by id of each entry that cannot: disordered, without coordinates, not periodic.
        following: Address of the next page, None at the end.
        available: Entries that the source promises in all pages together, None if unknown.
        more: Whether the source says that further entries follow, None if unknown.
    """

    records: tuple[StructureRecord, ...]
    skipped: Mapping[str, str]
    following: str | None
    available: int | None
    more: bool | None = None


class _Species(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    name: str
    chemical_symbols: list[str]
    concentration: list[FiniteFloat] | None = None
    attached: list[str] | None = None


class _Attributes(BaseModel):
    """The fields of an OPTIMADE structure that make a crystal; all of them may be null or missing."""

    model_config = ConfigDict(strict=True, extra="ignore")

    lattice_vectors: list[list[FiniteFloat | None] | None] | None = None
    cartesian_site_positions: list[list[FiniteFloat | None] | None] | None = None
    species: list[_Species] | None = None
    species_at_sites: list[str] | None = None
    nsites: int | None = None
    dimension_types: list[int] | None = None
    nperiodic_dimensions: int | None = None
    structure_features: list[str] | None = None
    chemical_formula_reduced: str | None = None


class _UnusableError(Exception):
    """An entry that gives no crystal; the text is the reason, a clause for a count."""


@dataclass(frozen=True, slots=True)
class OptimadeSource:
    """Structures of an OPTIMADE database.

    Attributes:
        url: Base URL, with or without the version, e.g. https://optimade.materialsproject.org. Its query
            parameters go with every request.
        query: OPTIMADE filter, e.g. 'elements HAS ALL "Ti","O" AND nsites<=12'.
        page_limit: Entries in a page.
        formation_energy: Field of the database with formation energies in eV/atom, None for none.
        above_hull: Field of the database with energies above hull in eV/atom, None for none.
    """

    url: str
    query: str = ""
    page_limit: int = 100
    formation_energy: str | None = None
    above_hull: str | None = None

    def base(self) -> str:
        """The versioned base URL without query: version 1 where none is given.

        Raises:
            InputError: The URL is not a valid HTTP(S) address.
        """
        try:
            parts = urlsplit(self.url.strip())
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:  # brackets that are no IPv6 address
            valid = False
        if not valid:
            raise InputError(
                f"{self.url!r} is no web address: give one such as https://example.org/optimade."
            )
        words = [word for word in parts.path.split("/") if word]
        if words and words[-1] in _ENDPOINTS:
            words.pop()
        if not words or not _VERSION.fullmatch(words[-1]):
            words.append("v1")
        return urlunsplit((parts.scheme, parts.netloc, "/".join(["", *words]), "", ""))

    def _address(self, endpoint: str, parameters: Mapping[str, str]) -> str:
        base = self.base()
        given = dict(parse_qsl(urlsplit(self.url.strip()).query, keep_blank_values=True))
        if given.keys() & {"filter", "response_fields", "page_limit", "page_offset", "response_format"}:
            raise InputError(f"{self.url} must not contain a query: give the filter with --filter.")
        query = urlencode(given | dict(parameters))
        return f"{base}/{endpoint}" + (f"?{query}" if query else "")

    def first(self) -> str:
        """URL of the first page.

        Raises:
            InputError: The URL is not a valid HTTP(S) address.
        """
        energies = [field for field in (self.formation_energy, self.above_hull) if field]
        query = {"response_fields": ",".join([*_FIELDS, *energies]), "page_limit": str(self.page_limit)}
        if self.query:
            query["filter"] = self.query
        return self._address("structures", query)

    def licence(self) -> str | None:
        """Licence of the entries as the database states it, None where it states none.

        Raises:
            InputError: Nothing at the address speaks OPTIMADE.
            AlphaCrystalError: The database does not answer.
        """
        info = fetch_json(self._address("info", {}))
        attributes = _mapping(_mapping(info.get("data")).get("attributes"))
        names = attributes.get("available_licenses_for_entries") or attributes.get("available_licenses")
        if isinstance(names, list) and names:
            return ", ".join(map(str, names))
        stated = _mapping(info.get("meta")).get("license") or attributes.get("license")
        if isinstance(stated, Mapping):
            stated = stated.get("href")
        return None if stated is None else str(stated)

    def page(self, address: str, licence: str | None) -> SourcePage:
        """The entries of one page.

        Raises:
            InputError: The database refuses the request, does not speak OPTIMADE, or the page lies on another
                host.
            AlphaCrystalError: It does not answer.
        """
        self._check_host(address)
        answer = fetch_json(address)
        entries = answer.get("data")
        if not isinstance(entries, list):
            raise InputError(f"{address} gave no list of structures: is it an OPTIMADE address?")
        records, skipped = [], {}
        for number, entry in enumerate(entries, start=1):
            try:
                records.append(self._record(entry, licence))
            except _UnusableError as error:
                name = entry.get("id") if isinstance(entry, dict) else None
                skipped[str(name) if name else f"{address}#{number}"] = str(error)
        meta = _mapping(answer.get("meta"))
        available, more = _count(address, meta.get("data_returned")), meta.get("more_data_available")
        return SourcePage(
            tuple(records),
            skipped,
            self._following(address, answer) if entries else None,
            available,
            more if isinstance(more, bool) else None,
        )

    def _check_host(self, address: str) -> None:
        if not same_host(self.base(), address):
            raise InputError(
                f"{host(self.base())} continues on another host ({address}), which is not followed: give the "
                "base URL of that host instead."
            )

    def _following(self, address: str, answer: Mapping[str, Any]) -> str | None:
        """Address of the next page, on the scheme and host of this one.

        Servers behind a proxy often write http where they are reached by https.

        Raises:
            InputError: The link is not a link, or leads to another host.
        """
        link = _mapping(answer.get("links")).get("next")
        if isinstance(link, Mapping):
            link = link.get("href")
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise InputError(f"{address} has a next page that is no link ({str(link)[:80]}).")
        try:
            following = urljoin(address, link)
            self._check_host(following)
            parts = urlsplit(following)
        except ValueError as error:
            raise InputError(f"{address} has a next page that is no link ({link[:80]}).") from error
        here = urlsplit(address)
        return urlunsplit((here.scheme, here.netloc, parts.path, parts.query, ""))

    def _record(self, entry: Any, licence: str | None) -> StructureRecord:
        """The record of an entry.

        Raises:
            _UnusableError: It is no ordered crystal, or incomplete.
        """
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            raise _UnusableError("without an id")
        attributes = _mapping(entry.get("attributes"))
        database = host(self.base())
        structure = _structure(attributes)
        energies = {
            "e_form": _number(attributes, self.formation_energy),
            "e_above_hull": _number(attributes, self.above_hull),
        }
        try:
            return StructureRecord.from_structure(structure, f"{database}:{name}").with_fields(
                **energies,
                energy_source=database if self.formation_energy or self.above_hull else None,
                source=f"{urlsplit(self.base()).scheme}://{database}{urlsplit(self.base()).path}/structures/"
                + quote(str(name), safe="-._~:/+()"),
                licence=licence,
            )
        except InputError as error:
            raise _UnusableError("impossible as a crystal") from error


def _mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _count(address: str, value: object) -> int | None:
    """The number of entries that a database states, which some write as text.

    Raises:
        InputError: It is no whole number from 0.
    """
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(
            f"{address} states {str(value)[:40]!r} as the number of its entries (data_returned), which is no "
            "count: report it to the database."
        )
    return value


def _number(attributes: Mapping[str, Any], name: str | None) -> float | None:
    value = attributes.get(name) if name else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _UnusableError("with an energy that is not a finite number")
    return float(value)


def _structure(attributes: Mapping[str, Any]) -> Structure:
    """The crystal of an entry.

    Raises:
        _UnusableError: It is disordered, not periodic in three directions, incomplete, or contradicts itself.
    """
    from pymatgen.core import Lattice, Structure

    try:
        given = _Attributes.model_validate(dict(attributes))
    except ValidationError as error:
        raise _UnusableError("with values of a wrong type or size") from error
    if (given.dimension_types or [1, 1, 1]) != [1, 1, 1] or given.nperiodic_dimensions not in (None, 3):
        raise _UnusableError("not periodic in three directions")
    if given.structure_features:
        disordered = "disorder" in given.structure_features
        raise _UnusableError("disordered" if disordered else "with atoms that have no single known place")
    lattice = _vectors(given.lattice_vectors, "without all lattice vectors")
    positions = _vectors(given.cartesian_site_positions, "without all positions")
    if len(lattice) != 3:
        raise _UnusableError("without all lattice vectors")
    elements = _elements(given)
    if not len(elements) == len(positions) == (given.nsites or len(positions)):
        raise _UnusableError("with different numbers of species and positions")
    if not 0 < len(elements) <= MAX_SITES:
        raise _UnusableError(f"without atoms or with more than {MAX_SITES}")
    if not _same_formula(given.chemical_formula_reduced, elements):
        raise _UnusableError("with a formula that is not that of the atoms")
    if implausible(lattice, np.zeros((len(elements), 3))):
        raise _UnusableError("with a cell that no crystal has")
    structure = Structure(Lattice(lattice), elements, positions, coords_are_cartesian=True)
    if len(close_pairs(structure.lattice.matrix, structure.frac_coords, _COINCIDENT)[0]):
        raise _UnusableError(f"with two atoms closer than {_COINCIDENT} Å")
    return structure


def _vectors(rows: list[list[float | None] | None] | None, problem: str) -> list[list[float]]:
    """Rows of three numbers.

    Raises:
        _UnusableError: A row or number is missing.
    """
    complete = []
    for row in rows or []:
        numbers = [number for number in row or [] if number is not None]
        if len(numbers) != 3 or len(row or []) != 3:
            raise _UnusableError(problem)
        complete.append(numbers)
    if not complete:
        raise _UnusableError(problem)
    return complete


def _elements(given: _Attributes) -> list[str]:
    """The element of each site; from the names of the sites where the species are missing.

    Raises:
        _UnusableError: A site is disordered, vacant, or of no known element.
    """
    if not given.species_at_sites:
        raise _UnusableError("without species")
    known = set(element_table().symbols[1:]) | ISOTOPES.keys()
    symbols: dict[str, str] = {}
    for species in given.species or []:
        shares = species.concentration or [1.0] * len(species.chemical_symbols)
        if len(shares) != len(species.chemical_symbols):
            raise _UnusableError("with species that contradict themselves")
        # Mixed valence is often written as one element twice.
        present: Counter[str] = Counter()
        total = 0.0
        for symbol, share in zip(species.chemical_symbols, shares, strict=True):
            if share > 0:
                present[symbol] += 1
                total += share
        if len(present) != 1 or abs(total - 1) > _FULL:
            if species.name in given.species_at_sites:
                raise _UnusableError("disordered")
            continue
        if species.attached:
            raise _UnusableError("with atoms that have no single known place")
        (symbols[species.name],) = present
    for name in set(given.species_at_sites) - symbols.keys():
        match = _LABEL.fullmatch(name)
        symbols[name] = match[1] if match else name
    elements = [symbols[name] for name in given.species_at_sites]
    if unknown := set(elements) - known:
        raise _UnusableError("with sites of no element" if unknown & {"X", "vacancy"} else "without species")
    return elements


def _same_formula(formula: str | None, elements: list[str]) -> bool:
    """Whether a reduced formula, where one is given that can be read, is that of the elements."""
    match = re.fullmatch(r"(?:[A-Z][a-z]?\d{0,6})+", formula or "")
    if match is None:
        return True
    stated: Counter[str] = Counter()
    for symbol, count in re.findall(r"([A-Z][a-z]?)(\d*)", match[0]):
        stated[ISOTOPES.get(symbol, symbol)] += int(count or 1)
    counts = Counter(ISOTOPES.get(symbol, symbol) for symbol in elements)
    atoms = sum(stated.values())
    return stated.keys() == counts.keys() and all(
        number * atoms == stated[symbol] * len(elements) for symbol, number in counts.items()
    )
