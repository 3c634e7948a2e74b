"""Every reader on mutated files: it reads or refuses in one line, and has no other effect on the machine."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure
from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry
from pymatgen.io.ase import AseAtomsAdaptor

import alphacrystal
from alphacrystal.config import make_config, read_config_file
from alphacrystal.data import StructureRecord, read_crystals, read_records
from alphacrystal.diffraction import parse_radiation, read_pattern
from alphacrystal.learn import ModelCard, load_model
from alphacrystal.learn.contacts.network import ContactNet, ContactNetConfig
from alphacrystal.learn.lattice.network import LatticeNet, LatticeNetConfig
from alphacrystal.learn.space_groups import SpaceGroupNet, SpaceGroupNetConfig
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.network import SymmetryNet, SymmetryNetConfig
from alphacrystal.learn.weight_files import save_weights
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.pipeline.formula_list import FormulaRequest, read_requests
from alphacrystal.ranking import read_hull_reference
from alphacrystal.relaxation import read_references
from alphacrystal.report import read_run_folder, write_figures
from alphacrystal.scale import CampaignStore, TaskOutcome

QUICK, ALL = 20, 625  # inputs per format; nine formats
Mutated = Callable[[bytes, bytes], st.SearchStrategy[bytes]]


@dataclass(frozen=True)
class Subject:
    """A folder of good files, the one that is mutated, and its reader.

    Attributes:
        files: Contents by name.
        target: Name of the mutated one.
        read: The reader, of the path of that file.
        output: Whether the folder is the output folder of the reader.
        repair: What an adversary corrects in the folder after the mutation.
    """

    files: Mapping[str, bytes]
    target: str
    read: Callable[[Path], object]
    output: bool = False
    repair: Callable[[dict[str, bytes]], None] | None = None


Subjects = dict[str, list[Subject]]


def _single(read: Callable[[Path], object], files: Mapping[str, bytes]) -> list[Subject]:
    return [Subject({name: content}, name, read) for name, content in files.items()]


def _structure_files(
    folder: Path, textbook: Callable[[str], Structure]
) -> Iterator[tuple[str, list[Subject]]]:
    halite, wurtzite, corundum = (textbook(name) for name in ("halite", "wurtzite", "corundum"))
    plain, symmetric = wurtzite.to(fmt="cif"), corundum.to(fmt="cif", symprec=0.01)
    cifs = {"plain.cif": plain, "symmetric.cif": symmetric, "two.cif": plain + symmetric}
    yield "cif", _single(read_crystals, {name: str(text).encode() for name, text in cifs.items()})
    poscar, selective = (str(item.to(fmt="poscar")) for item in (wurtzite, halite))
    selective = selective.replace("direct", "Selective dynamics\ndirect")
    poscars = {"POSCAR": poscar, "CONTCAR": selective, "salt.vasp": str(halite.to(fmt="poscar"))}
    yield "poscar", _single(read_crystals, {name: text.encode() for name, text in poscars.items()})
    frames = {"one.extxyz": [wurtzite], "two.xyz": [halite, wurtzite]}
    for name, crystals in frames.items():
        for crystal in crystals:
            AseAtomsAdaptor.get_atoms(crystal).write(str(folder / name), format="extxyz", append=True)
    yield "extxyz", _single(read_crystals, {name: (folder / name).read_bytes() for name in frames})


def _records(textbook: Callable[[str], Structure]) -> bytes:
    records = []
    for place, name in enumerate(("halite", "copper", "magnesium")):
        record = StructureRecord.from_structure(textbook(name), f"record-{place}")
        energies = {"e_form": -0.5 * place, "e_above_hull": 0.0, "energy_source": "test", "split": "train"}
        records.append(record.model_copy(update=energies).model_dump_json())
    return ("\n".join(records) + "\n").encode()


def _json_files(textbook: Callable[[str], Structure]) -> list[Subject]:
    halite = textbook("halite").copy()
    decorated = halite.copy(site_properties={"magmom": [0.5] * len(halite)})
    decorated.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    structures = {"plain.json": halite.to_json(), "decorated.json": decorated.to_json()}
    run_type = {"run_type": "GGA", "hubbards": {}}
    entries = [
        ComputedEntry("Na", -1.3, entry_id="a", parameters=run_type),
        ComputedEntry("Cl2", -3.6, entry_id="b", parameters=run_type),
        ComputedStructureEntry(halite, -27.0, entry_id="c", parameters=run_type),
    ]
    hull = {"entries.json": json.dumps([entry.as_dict() for entry in entries]).encode()}
    records = {"records.jsonl": _records(textbook)}
    energies = {"potential": "chgnet", "elements": {"Na": {"energy_per_atom": -1.3, "id": "a"}}}
    return [
        *_single(read_crystals, {name: text.encode() for name, text in structures.items()}),
        *_single(partial(read_hull_reference, elements=("Na", "Cl")), {**hull, **records}),
        *_single(lambda path: list(read_records(path)), records),
        *_single(
            partial(read_references, potential_name="chgnet"),
            {"references.json": json.dumps(energies).encode()},
        ),
    ]


def _read_checkpoint(path: Path) -> None:
    checkpoint = Checkpoint(path.parent.parent)
    checkpoint.load_request()
    checkpoint.load_candidates()
    checkpoint.load_generated()
    checkpoint.load_relaxations()


def _run_folder(folder: Path) -> tuple[list[Subject], list[Subject]]:
    """JSON and CSV of a finished prediction."""
    alphacrystal.predict("NaCl", folder=folder, page=False, candidates=2, max_atoms=4, steps=1, workers=1)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    facts = {name: files[name] for name in ("run.json", "summary.csv", "results.json")}
    kept = {name: content for name, content in files.items() if name.startswith("checkpoint/")}
    assert {"checkpoint/candidates.json", "checkpoint/relaxations.jsonl"} <= kept.keys()
    view = lambda path: read_run_folder(path.parent)  # noqa: E731
    return [
        Subject(facts, "run.json", view),
        Subject(facts, "results.json", lambda path: write_figures(path.parent, 0), output=True),
        *(Subject(kept, name, _read_checkpoint) for name in sorted(kept) if not name.endswith("batch.json")),
    ], [Subject(facts, "summary.csv", view)]


def _toml_files() -> list[Subject]:
    text = """
top = 5
candidates = 20
generators = ["distance_matrix", "random"]
relax = false
potential = "chgnet"
pressure = 2.5
units = [1, 2, 4]
max_atoms = 8
space_group = 225
lattice = [5.64, 5.64, 5.64, 90, 90, 90]
fmax = 0.1
seed = 3
"""
    return _single(lambda path: make_config(**read_config_file(path)), {"run.toml": text.encode()})


def _formula_lists() -> list[Subject]:
    lists = {
        "list.csv": "formula,cell,space_group\nNaCl,Na2Cl2,225\nMgO,,\n'=KBr,,221\n",
        "list.txt": "NaCl\n# oxides\nMgO\nAl2O3\n",
    }
    return _single(
        lambda path: list(read_requests(path)), {name: text.encode() for name, text in lists.items()}
    )


def _read_store(path: Path) -> None:
    with CampaignStore(path.parent, durable=False) as store:
        store.facts()
        store.counts()
        list(store.waiting())
        list(store.lines())
        list(store.times())
        store.retry_failed()
        store.record([TaskOutcome("x", "It failed.", "internal")])


def _campaign_store(folder: Path) -> list[Subject]:
    with CampaignStore(folder, durable=False) as store:
        store.fill(
            map(FormulaRequest, ["NaCl", "MgO", "Xx", "KBr"]), {"list": "list.csv", "settings": {"top": 5}}
        )
        first, second, _ = store.waiting()
        store.record(
            [
                TaskOutcome(
                    first.key, result=first.folder, structures=3, seconds=1.5, timings_s={"relax": 1.0}
                ),
                TaskOutcome(second.key, "Its process died.", "died"),
            ]
        )
        log = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    database = {"campaign.sqlite": (folder / "campaign.sqlite").read_bytes()}
    assert "campaign.sqlite-wal" in log
    return [
        Subject(database, "campaign.sqlite", _read_store, output=True),
        Subject(log, "campaign.sqlite-wal", _read_store, output=True),
    ]


def _model_files(folder: Path) -> list[Subject]:
    types = [StructureType(225, ("a", "b")), StructureType(221, ("a", "b"))]
    networks = {
        "group": SpaceGroupNet(SpaceGroupNetConfig(width=4)),
        "contact": ContactNet(ContactNetConfig(width=1 / 256)),
        "lattice": LatticeNet(
            LatticeNetConfig(width=8, slot_width=4, element_width=4, layers=1, features=3), types
        ),
        "symmetry": SymmetryNet(
            SymmetryNetConfig(width=8, layers=1, heads=2, site_width=4, type_width=4), types
        ),
    }
    subjects = []
    for name, network in networks.items():
        digest = save_weights(network, folder / f"{name}.safetensors")
        card = ModelCard(
            name=name,
            description="A small network.",
            sha256=digest,
            parameters=1,
            data="none",
            split="none",
            seed=0,
            settings={},
            metrics={"loss": 1.0},
            command="none",
            licence="MIT",
            trained={},
            limits="all",
        )
        files = {
            f"{name}.json": card.model_dump_json().encode(),
            f"{name}.safetensors": (folder / f"{name}.safetensors").read_bytes(),
        }
        subjects += [
            Subject(files, f"{name}.safetensors", _read_model, repair=_right_hash),
            Subject(files, f"{name}.safetensors", _read_model, repair=_right_length_and_hash),
        ]
    return [*subjects, Subject(files, f"{name}.json", _read_model)]


def _read_model(path: Path) -> None:
    load_model.cache_clear()
    load_model(path.stem, path.parent)


def _right_hash(files: dict[str, bytes]) -> None:
    """A card that vouches for the mutated weights."""
    (weights,) = (name for name in files if name.endswith(".safetensors"))
    name = weights.replace(".safetensors", ".json")
    card = json.loads(files[name])
    files[name] = json.dumps({**card, "sha256": hashlib.sha256(files[weights]).hexdigest()}).encode()


def _right_length_and_hash(files: dict[str, bytes]) -> None:
    """The same, with the stated length of the header corrected, so that what it says is looked at."""
    (weights,) = (name for name in files if name.endswith(".safetensors"))
    content = files[weights]
    end = content.find(b"]}}") + 3
    end += len(content[end:]) - len(content[end:].lstrip(b" "))
    files[weights] = struct.pack("<Q", max(end - 8, 0)) + content[8:]
    _right_hash(files)


def _pattern_files() -> list[Subject]:
    rows = [(10 + number / 50, 100 + 37 * number % 91) for number in range(60)]
    columns = "\n".join(f"{angle:.2f},{count}" for angle, count in rows)
    attenuated = "\n".join(f"{angle:.2f} {count} 2" for angle, count in rows)
    loop = "loop_\n_pd_meas_2theta_scan\n_pd_meas_counts_total\n" + columns.replace(",", " ")
    members = io.BytesIO()
    with zipfile.ZipFile(members, "w") as archive:
        archive.writestr("Data0/Profile0.txt", attenuated)
        archive.writestr(
            "Data0/MesurementConditions0.xml", "<a><WavelengthKalpha1>1.54</WavelengthKalpha1></a>"
        )
    files = {
        "a.csv": f"2theta,I\n{columns}",
        "b.ras": f"*RAS_DATA_START\n*RAS_INT_START\n{attenuated}\n*RAS_INT_END\n",
        "c.cif": f"data_x\n_diffrn_radiation_wavelength 1.54\n{loop}\n",
        "d.gsa": "Title\nBANK 1 60 6 CONST 1000 2 0 0 STD\n" + (f"{123:8d}" * 9 + "     456\n") * 6,
    }
    contents = {name: text.encode() for name, text in files.items()} | {"e.rasx": members.getvalue()}
    return _single(partial(read_pattern, wavelength=parse_radiation("CuKa")), contents)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory, textbook: Callable[[str], Structure]) -> Subjects:
    """Readers and good files by format."""
    folder = tmp_path_factory.mktemp
    run_json, summary = _run_folder(folder("run") / "NaCl")
    return {
        **dict(_structure_files(folder("structures"), textbook)),
        "json": [*_json_files(textbook), *run_json],
        "toml": _toml_files(),
        "csv": [*_formula_lists(), *summary],
        "sqlite": _campaign_store(folder("campaign")),
        "safetensors": _model_files(folder("models")),
        "pattern": _pattern_files(),
    }


FORMATS = ("cif", "poscar", "extxyz", "json", "toml", "csv", "sqlite", "safetensors", "pattern")


@pytest.mark.parametrize("count", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FORMATS)
def test_mutated_file_is_read_or_refused_without_any_other_effect(
    sandbox: Any, mutated: Mutated, inputs: Any, subjects: Subjects, name: str, count: int
) -> None:
    for subject in subjects[name]:  # what the reader needs is loaded with the good file
        assert _read(sandbox, subject, subject.files[subject.target], first=True) == ""
    others = [item.files[item.target] for format_ in FORMATS for item in subjects[format_]]

    @inputs(count)
    @given(data=st.data(), subject=st.sampled_from(subjects[name]))
    def check(data: Any, subject: Subject) -> None:
        good = subject.files[subject.target]
        other = data.draw(st.sampled_from(others))
        _read(sandbox, subject, data.draw(mutated(good, other)))

    check()
    assert sandbox.imported == {}


def _read(sandbox: Any, subject: Subject, content: bytes, *, first: bool = False) -> str:
    files = {**subject.files, subject.target: content}
    if subject.repair is not None:
        subject.repair(files)
    folder = sandbox.out if subject.output else sandbox.working / "input"
    sandbox.place(files, folder)
    if first:
        subject.read(folder / subject.target)
        sandbox.place(files, folder)
    return str(sandbox.read(lambda: subject.read(folder / subject.target)))
