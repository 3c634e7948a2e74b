"""Records from the Materials Project with a key of the user's (DOI 10.1063/1.4812323)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alphacrystal.crystal import structure_from_json
from alphacrystal.data._optimade import SourcePage
from alphacrystal.data._records import StructureRecord
from alphacrystal.errors import AlphaCrystalError, InputError

LICENCE = "CC-BY-4.0"
#: Licence of entries that state one; those of GNoME may not be used commercially.
LICENCES = {"BY-C": LICENCE, "BY-NC": "CC-BY-NC-4.0"}
FIELDS = (
    "material_id", "structure", "formation_energy_per_atom", "energy_above_hull", "theoretical", "symmetry",
    "builder_meta",
)  # fmt: skip


class SummaryClient(Protocol):
    """The part of ``mp_api``'s client that is used: its summary documents."""

    def search(self, **query: Any) -> Sequence[Mapping[str, Any]]:
        """Documents that fit a query."""
        ...


@dataclass(frozen=True, slots=True)
class MaterialsProjectSource:
    """Structures of the Materials Project, one chunk of ids after the other.

    Attributes:
        client: Client that answers.
        query: Arguments of its search, e.g. ``{"elements": ["Ti", "O"], "num_sites": (1, 12)}``.
        chunk: Documents in one request.
    """

    client: SummaryClient
    query: Mapping[str, Any]
    chunk: int = 500

    def identifiers(self) -> list[str]:
        """Ids of all that fit, sorted, so that a repeated request gives the same page.

        Raises:
            AlphaCrystalError: The Materials Project refuses or does not answer.
        """
        documents = self._request(**self.query, deprecated=False, fields=["material_id"])
        return sorted(str(document["material_id"]) for document in documents)

    def page(self, identifiers: Sequence[str], start: int) -> SourcePage:
        """Records of the documents ``start`` and the following ones."""
        wanted = list(identifiers[start : start + self.chunk])
        documents = self._request(material_ids=wanted, fields=list(FIELDS))
        by_id = {str(document["material_id"]): document for document in documents}
        records = {name: record_of_document(by_id.get(name)) for name in wanted}
        skipped = {name: "without an ordered structure" for name, record in records.items() if record is None}
        end = start + len(wanted)
        following = str(end) if end < len(identifiers) else None
        usable = tuple(record for record in records.values() if record is not None)
        return SourcePage(usable, skipped, following, len(identifiers))

    def _request(self, **query: Any) -> Sequence[Mapping[str, Any]]:
        try:
            return self.client.search(**query, all_fields=False)
        except Exception as error:  # errors of mp-api, of requests and of its parsers
            raise AlphaCrystalError(_refused(error)) from error


def record_of_document(document: Mapping[str, Any] | None) -> StructureRecord | None:
    """Record of a summary document, None where it has no ordered structure."""
    from pymatgen.core import Structure

    if document is None or not document.get("structure"):
        return None
    structure = document["structure"]
    built = document.get("builder_meta") or {}
    version = built.get("database_version")
    theoretical = document.get("theoretical")
    try:
        name = str(document["material_id"])
        if not isinstance(structure, Structure):
            structure = structure_from_json(structure, name)
        return StructureRecord.from_structure(structure, name).with_fields(
            spacegroup_number=(document.get("symmetry") or {}).get("number"),
            e_form=document.get("formation_energy_per_atom"),
            e_above_hull=document.get("energy_above_hull"),
            energy_source=f"Materials Project {version}" if version else "Materials Project",
            functional="MP-mixed",
            icsd=None if theoretical is None else not theoretical,
            source=f"https://next-gen.materialsproject.org/materials/{name}",
            licence=LICENCES.get(str(built.get("license")), LICENCE),
        )
    except (InputError, KeyError, ValueError, TypeError):
        return None


def connect(key: str | None) -> SummaryClient:
    """The client of the Materials Project.

    Raises:
        InputError: There is no key, it cannot be one, or the package mp-api is missing.
        AlphaCrystalError: The Materials Project does not answer.
    """
    if not key:
        raise InputError(
            "The Materials Project needs a key: set MP_API_KEY to yours "
            "(https://next-gen.materialsproject.org/api), or use --source optimade, which needs none."
        )
    try:
        from mp_api.client import MPRester
    except ImportError:
        raise InputError(
            'The Materials Project needs the package mp-api: pip install "alphacrystal[materials-project]".'
        ) from None
    try:
        client: SummaryClient = MPRester(
            key, use_document_model=False, mute_progress_bars=True
        ).materials.summary
    except Exception as error:
        if "API key" in str(error):  # one of the wrong length
            raise InputError(f"The key in MP_API_KEY cannot be used: {_told(error)}.") from error
        raise AlphaCrystalError(_refused(error)) from error
    return client


def _refused(error: Exception) -> str:
    return f"The Materials Project refused or did not answer: {_told(error)}."


def _told(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
