"""Records from any database that speaks OPTIMADE (DOI 10.1038/s41597-021-00974-z)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from alphacrystal import __version__
from alphacrystal.data._records import StructureRecord
from alphacrystal.errors import AlphaCrystalError, InputError

if TYPE_CHECKING:
    from requests import Response

TRIES = 5
TIMEOUT_S = 60.0
_PAUSE_S = 1.0  # before the second try; doubled each time
_LONGEST_PAUSE_S = 60.0
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_FIELDS = (
    "lattice_vectors", "cartesian_site_positions", "species", "species_at_sites", "nperiodic_dimensions",
    "structure_features",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page of a source.

    Attributes:
        records: Those that could be used.
        skipped: Entries that could not: disordered, without coordinates, not periodic.
        following: What to ask for next, None at the end.
        available: Entries of the whole answer, None if unknown.
    """

    records: tuple[StructureRecord, ...]
    skipped: int
    following: str | None
    available: int | None


@dataclass(frozen=True, slots=True)
class OptimadeSource:
    """Structures of an OPTIMADE database.

    Attributes:
        url: Base URL, with or without the version, e.g. https://optimade.materialsproject.org.
        query: OPTIMADE filter, e.g. 'elements HAS ALL "Ti","O" AND nsites<=12'.
        page_limit: Entries asked for at once.
        formation_energy: Field of the database that holds it in eV/atom, None for none.
        above_hull: Field of the database that holds the energy above hull in eV/atom, None for none.
    """

    url: str
    query: str = ""
    page_limit: int = 100
    formation_energy: str | None = None
    above_hull: str | None = None

    def first(self) -> str:
        """URL of the first page.

        Raises:
            InputError: The address is none.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise InputError(
                f"{self.url!r} is no web address: give one such as https://example.org/optimade."
            )
        base = self.url.rstrip("/")
        if not base.rpartition("/")[2].startswith("v"):
            base += "/v1"
        own = [field for field in (self.formation_energy, self.above_hull) if field]
        query = {"response_fields": ",".join([*_FIELDS, *own]), "page_limit": str(self.page_limit)}
        if self.query:
            query["filter"] = self.query
        return f"{base}/structures?{urlencode(query)}"

    def licence(self) -> str | None:
        """Licence that the database states of its entries, None where it states none.

        Raises:
            InputError: Nothing at the address speaks OPTIMADE.
            AlphaCrystalError: The database does not answer.
        """
        info = fetch(urljoin(self.first(), "info"))
        attributes = info["data"].get("attributes", {}) if isinstance(info.get("data"), Mapping) else {}
        names = attributes.get("available_licenses_for_entries") or attributes.get("available_licenses") or []
        if names:
            return ", ".join(map(str, names))
        stated = info.get("meta", {}).get("license") or attributes.get("license")
        if isinstance(stated, Mapping):
            stated = stated.get("href")
        return None if stated is None else str(stated)

    def page(self, address: str, licence: str | None) -> SourcePage:
        """The entries of one page.

        Raises:
            InputError: The database refused the question, or does not speak OPTIMADE.
            AlphaCrystalError: It does not answer.
        """
        answer = fetch(address)
        entries = answer.get("data")
        if not isinstance(entries, list):
            raise InputError(f"{address} gave no list of structures: is it an OPTIMADE address?")
        database = urlsplit(self.url).netloc
        records = [
            found for entry in entries if (found := self._record(entry, database, licence)) is not None
        ]
        following = (answer.get("links") or {}).get("next")
        if isinstance(following, Mapping):
            following = following.get("href")
        available = (answer.get("meta") or {}).get("data_returned")
        return SourcePage(
            tuple(records),
            len(entries) - len(records),
            urljoin(address, following) if following and entries else None,
            available if isinstance(available, int) else None,
        )

    def _record(self, entry: Any, database: str, licence: str | None) -> StructureRecord | None:
        try:
            attributes = entry["attributes"]
            structure = _structure(attributes)
            record = StructureRecord.from_structure(structure, f"{database}:{entry['id']}")
        except (KeyError, TypeError, ValueError, IndexError, InputError):
            return None
        return record.model_copy(
            update={
                "e_form": _number(attributes, self.formation_energy),
                "e_above_hull": _number(attributes, self.above_hull),
                "energy_source": database if self.formation_energy or self.above_hull else None,
                "source": f"{urljoin(self.first(), 'structures/')}{entry['id']}",
                "licence": licence,
            }
        )


def _number(attributes: Mapping[str, Any], name: str | None) -> float | None:
    value = attributes.get(name) if name else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _structure(attributes: Mapping[str, Any]) -> Any:
    """The crystal of an entry.

    Raises:
        ValueError: It is disordered, not periodic in three directions, or has unknown positions.
    """
    from pymatgen.core import Lattice, Structure

    if attributes.get("nperiodic_dimensions", 3) != 3:
        raise ValueError("not a crystal")
    # "disorder", "unknown_positions", "implicit_atoms", "site_attachments": none can be used
    if attributes.get("structure_features"):
        raise ValueError("not all atoms have one known place")
    symbols = {}
    for species in attributes["species"]:
        (symbol,) = species["chemical_symbols"]
        if abs(float(species["concentration"][0]) - 1) > 1e-6:
            raise ValueError("not fully occupied")
        symbols[species["name"]] = symbol
    return Structure(
        Lattice(attributes["lattice_vectors"]),
        [symbols[name] for name in attributes["species_at_sites"]],
        attributes["cartesian_site_positions"],
        coords_are_cartesian=True,
    )


def fetch(address: str) -> dict[str, Any]:
    """JSON of an address, with patience where the server has too much to do or the line breaks.

    Raises:
        InputError: The server refused the question, or answered with something else than JSON.
        AlphaCrystalError: It did not answer in `TRIES` tries.
    """
    import requests

    reason = ""
    for pause in _pauses():
        time.sleep(pause)
        try:
            answer = requests.get(
                address,
                timeout=TIMEOUT_S,
                headers={"User-Agent": f"alphacrystal/{__version__}", "Accept": "application/json"},
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            reason = "no connection" if isinstance(error, requests.ConnectionError) else "no answer in time"
            continue
        except requests.RequestException as error:
            raise InputError(f"{address} cannot be asked ({error}).") from error
        if answer.status_code in _TRY_AGAIN:
            reason = f"status {answer.status_code}"
            time.sleep(_asked_pause(answer.headers.get("Retry-After")))
            continue
        if answer.status_code != requests.codes.ok:
            raise InputError(
                f"{urlsplit(address).netloc} refused the question (status {answer.status_code}): "
                f"{_detail(answer)}."
            )
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InputError(f"{address} did not answer with JSON: is it an OPTIMADE address?")
        return found
    raise AlphaCrystalError(f"{urlsplit(address).netloc} did not answer in {TRIES} tries ({reason}).")


def _pauses() -> Iterator[float]:
    yield 0.0
    for number in range(TRIES - 1):
        yield min(_PAUSE_S * 2**number, _LONGEST_PAUSE_S)


def _asked_pause(header: str | None) -> float:
    return min(float(header), _LONGEST_PAUSE_S) if header and header.isdecimal() else 0.0


def _detail(answer: Response) -> str:
    """What the server says is wrong, as one line."""
    try:
        errors = answer.json()["errors"]
        text = str(errors[0].get("detail") or errors[0].get("title"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        text = answer.reason or "no reason given"
    return " ".join(text.split()).rstrip(".")[:300]
