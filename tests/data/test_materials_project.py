"""Documents of the Materials Project's summary endpoint, with the keys and types that its client gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alphacrystal.data import MaterialsProjectSource, connect, download, read_records, record_of_document
from alphacrystal.errors import AlphaCrystalError, InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Textbook = Callable[[str], "Structure"]


def document(name: str, structure: Structure, **changes: Any) -> dict[str, Any]:
    return {
        "material_id": name,
        "structure": structure.as_dict(),
        "formation_energy_per_atom": -2.0,
        "energy_above_hull": 0.0,
        "theoretical": False,
        "symmetry": {"crystal_system": "Cubic", "symbol": "Fm-3m", "number": 225},
        "builder_meta": {"build_date": "2025-09-25T00:00:00", "database_version": "2025.09.25"},
        **changes,
    }


class Refusing:
    """A client that has no answer."""

    def search(self, **query: Any) -> list[dict[str, Any]]:
        raise RuntimeError("invalid fields requested.\n")


def test_refusal_is_a_sentence() -> None:
    with pytest.raises(AlphaCrystalError, match="refused or did not answer: invalid fields requested"):
        MaterialsProjectSource(Refusing(), {}).identifiers()


class RecordedSummaries:
    """Answers as the client does, from documents; counts the queries."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = {item["material_id"]: item for item in documents}
        self.queries: list[dict[str, Any]] = []

    def search(self, **query: Any) -> list[dict[str, Any]]:
        self.queries.append(query)
        wanted = query.get("material_ids", list(self.documents))
        found = [self.documents[name] for name in reversed(wanted)]
        return [{field: item.get(field) for field in query["fields"]} for item in found]


def test_document_becomes_a_record_with_energies_and_licence(textbook: Textbook) -> None:
    record = record_of_document(document("mp-22862", textbook("halite")))
    assert record is not None
    assert (record.id, record.reduced_formula, record.spacegroup_number) == ("mp-22862", "NaCl", 225)
    assert (record.e_form, record.e_above_hull, record.icsd) == (-2.0, 0.0, True)
    assert (record.licence, record.energy_source) == ("CC-BY-4.0", "Materials Project 2025.09.25")
    assert str(record.source).endswith("/mp-22862")
    assert record.split in {"train", "val"}


@pytest.mark.parametrize(
    ("stated", "licence"), [("BY-C", "CC-BY-4.0"), ("BY-NC", "CC-BY-NC-4.0"), (None, "CC-BY-4.0")]
)
def test_licence_is_the_one_of_the_entry(textbook: Textbook, stated: str | None, licence: str) -> None:
    built = {"build_date": "2025-09-25T00:00:00", "license": stated}
    record = record_of_document(document("mp-1", textbook("halite"), builder_meta=built))
    assert record is not None
    assert record.licence == licence


def test_documents_without_an_ordered_structure_are_left_out(textbook: Textbook) -> None:
    mixed = textbook("copper").copy()
    mixed.replace(0, {"Cu": 0.5, "Au": 0.5})
    assert record_of_document(document("mp-1", mixed)) is None
    assert record_of_document(document("mp-2", textbook("copper")) | {"structure": None}) is None
    assert record_of_document(None) is None


def test_chunks_of_ids_are_requested_in_a_fixed_order(textbook: Textbook, tmp_path: Path) -> None:
    names = ("halite", "fluorite", "rutile", "copper", "sphalerite")
    client = RecordedSummaries([document(f"mp-{i}", textbook(name)) for i, name in enumerate(names)])
    source = MaterialsProjectSource(client, {"num_sites": (1, 12)}, chunk=2)
    identifiers = source.identifiers()
    assert client.queries[0]["num_sites"] == (1, 12)
    out = tmp_path / "mp.jsonl"
    came = download(out, {}, "0", lambda start: source.page(identifiers, int(start)))
    assert (came.records, came.skipped) == (5, 0)
    assert [record.id for record in read_records(out)] == [f"mp-{i}" for i in range(5)]
    assert [query["material_ids"] for query in client.queries[1:]] == [
        ["mp-0", "mp-1"],
        ["mp-2", "mp-3"],
        ["mp-4"],
    ]


def test_without_a_key_a_sentence_says_where_to_get_one() -> None:
    with pytest.raises(InputError, match="set MP_API_KEY to yours"):
        connect(None)
