"""Damaged structure files, records, entries, tables and weights: read or refused, and left as they are."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure
from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.data import StructureRecord
from alphacrystal.learn import MODEL_NAMES

Damage = Callable[[bytes], st.SearchStrategy[bytes]]
Crystals = Callable[[str], Structure]


@pytest.fixture(scope="module")
def structure_files(tmp_path_factory: pytest.TempPathFactory, textbook: Crystals) -> dict[str, bytes]:
    """One good file of each format by its name."""
    folder = tmp_path_factory.mktemp("formats")
    halite, wurtzite = textbook("halite"), textbook("wurtzite")
    wurtzite.to(str(folder / "plain.cif"))
    halite.to(str(folder / "symmetric.cif"), symprec=0.01)
    wurtzite.to(str(folder / "POSCAR"), fmt="poscar")
    halite.to(str(folder / "pymatgen.json"))
    AseAtomsAdaptor.get_atoms(wurtzite).write(str(folder / "frames.extxyz"))
    AseAtomsAdaptor.get_atoms(wurtzite).write(str(folder / "ase.json"))
    AseAtomsAdaptor.get_atoms(halite).write(str(folder / "ase.traj"))
    wurtzite.to(str(folder / "fleur.xsf"), fmt="xsf")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("count", [20, pytest.param(240, marks=pytest.mark.slow)])
def test_damaged_structure_file(
    fuzz: Any, damage: Damage, structure_files: dict[str, bytes], count: int
) -> None:
    good = fuzz.inputs / "good.cif"
    good.write_bytes(structure_files["plain.cif"])

    @fuzz.cases(count)
    @given(
        data=st.data(),
        name=st.sampled_from(sorted(structure_files) + ["plain.cif"] * 3 + ["symmetric.cif"] * 3),
        verb=st.sampled_from(["evaluate", "against", "all", "rank", "relax", "build", "stats", "templates"]),
    )
    def check(data: Any, name: str, verb: str) -> None:
        folder = fuzz.inputs / "damaged"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(data.draw(damage(structure_files[name])))
        library = ("--generators", "template", "--templates", folder)
        quick = ("--no-relax", "--candidates", "1", "--max-atoms", "4", "--out", "out")
        words: dict[str, tuple[object, ...]] = {
            "evaluate": ("evaluate", path, good, "--metrics", "none", "--time-limit", "5"),
            "against": ("evaluate", good, path, "--json", "--time-limit", "5"),
            "all": ("evaluate", path, good, "--metrics", "all", "--time-limit", "5", "--csv"),
            "rank": ("rank", path, "--out", "out", "--json"),
            "relax": ("relax", path, "--steps", "1", "--workers", "1", "--out", "out"),
            "build": ("data", "build", folder, "--out", "out.jsonl"),
            "stats": ("data", "stats", path),
            "templates": ("predict", data.draw(st.sampled_from(["KBr", "MgS"])), *quick, *library),
        }
        with fuzz.case() as working:
            outcome = fuzz(*words[verb])
            if outcome.code == 0 and verb in {"rank", "relax"}:
                assert fuzz("view", "out").code == 0
            if outcome.code == 2 and verb == "build":
                assert list(working.iterdir()) == []
        path.unlink()

    check()


@pytest.fixture(scope="module")
def reference_files(textbook: Crystals) -> dict[str, bytes]:
    """Good files that a verb takes beside its formula or structures, by name."""
    records = []
    for place, name in enumerate(("halite", "copper", "magnesium", "wurtzite")):
        record = StructureRecord.from_structure(textbook(name), f"own-{place}")
        energies = {"e_form": -0.5 * place, "e_above_hull": 0.0, "energy_source": "test", "split": "train"}
        records.append(record.model_copy(update=energies).model_dump_json())
    lines = ("\n".join(records) + "\n").encode()
    bare = "\n".join(
        StructureRecord.from_structure(textbook("halite"), "own").model_dump_json() for _ in "ab"
    )
    entries = [
        ComputedEntry("Na", -1.3, entry_id="a"),
        ComputedEntry("Cl2", -3.6, entry_id="b"),
        ComputedStructureEntry(textbook("halite"), -27.0, entry_id="c"),
    ]
    shipped = files("alphacrystal.relaxation") / "data"
    tables = {item.name: item.read_bytes() for item in shipped.iterdir() if item.name.endswith(".json")}
    return {
        "records.jsonl": lines,
        "bare.jsonl": bare.encode(),
        "records.jsonl.gz": gzip.compress(lines),
        "entries.json": json.dumps([entry.as_dict() for entry in entries]).encode(),
        "references.json": next(content for name, content in sorted(tables.items()) if "reference" in name),
    }


@pytest.mark.parametrize("count", [20, pytest.param(120, marks=pytest.mark.slow)])
def test_damaged_records_entries_and_tables(
    fuzz: Any, damage: Damage, reference_files: dict[str, bytes], textbook: Crystals, count: int
) -> None:
    crystal = fuzz.inputs / "NaCl.cif"
    textbook("halite").to(str(crystal))
    readers = {
        "records.jsonl": ["hull", "templates", "stats", "subset", "evaluate", "train", "references of"],
        "bare.jsonl": ["hull", "pressure", "templates"],
        "records.jsonl.gz": ["hull", "templates", "stats", "subset"],
        "entries.json": ["hull", "pressure"],
        "references.json": ["references"],
    }
    pairs = [(name, verb) for name, verbs in readers.items() for verb in verbs]

    @fuzz.cases(count)
    @given(data=st.data(), pair=st.sampled_from(pairs))
    def check(data: Any, pair: tuple[str, str]) -> None:
        name, verb = pair
        path = fuzz.inputs / name
        path.write_bytes(data.draw(damage(reference_files[name])))
        rank = ("rank", crystal, "--out", "out")
        quick = ("--no-relax", "--candidates", "1", "--max-atoms", "4", "--out", "out")
        words: dict[str, tuple[object, ...]] = {
            "hull": (*rank, "--hull", path),
            "pressure": (*rank, "--hull", path, "--pressure", "5"),
            "references": (*rank, "--references", path),
            "templates": ("predict", "KBr", *quick, "--generators", "template", "--templates", path),
            "stats": ("data", "stats", path, "--json"),
            "subset": ("data", "subset", path, "--out", "out.jsonl", "--elements", "Na,Cl,Cu"),
            "evaluate": ("evaluate", path, crystal, "--json"),
            "train": ("train", "lattice", "--data", path, "--out", "out", "--epochs", "1"),
            "references of": ("data", "references", path, "--out", "out.json"),
        }
        with fuzz.case():
            fuzz(*words[verb])
        path.unlink()

    check()


@pytest.mark.parametrize("count", [10, pytest.param(80, marks=pytest.mark.slow)])
def test_damaged_weights(fuzz: Any, damage: Damage, count: int) -> None:
    shipped = Path(str(files("alphacrystal_weights")))

    @fuzz.cases(count)
    @given(
        data=st.data(),
        model=st.sampled_from(MODEL_NAMES),
        card=st.booleans(),
        unnoticed=st.booleans(),
        verb=st.sampled_from(["inspect", "predict", "list", "card", "campaign"]),
    )
    def check(data: Any, model: str, card: bool, unnoticed: bool, verb: str) -> None:
        # Another folder for each case: weights that were read stay in the memory.
        folder = fuzz.inputs / f"weights{len(list(fuzz.inputs.iterdir()))}"
        folder.mkdir()
        for path in shipped.iterdir():
            (folder / path.name).symlink_to(path)
        damaged = folder / (f"{model}.json" if card else f"{model}.safetensors")
        content = damaged.read_bytes()
        damaged.unlink()
        if card:
            damaged.write_bytes(data.draw(damage(content)))
        else:
            # The header is where damage matters most, and drawing places is quicker in a short text.
            size = 8 + int.from_bytes(content[:8], "little")
            whole = data.draw(st.booleans())
            head, rest = (content, b"") if whole else (content[:size], content[size:])
            damaged.write_bytes(data.draw(damage(head)) + rest)
            if unnoticed:  # as if its card described it
                path = folder / f"{model}.json"
                described = json.loads(path.read_text())
                path.unlink()
                described["sha256"] = hashlib.sha256(damaged.read_bytes()).hexdigest()
                path.write_text(json.dumps(described))
        (fuzz.inputs / "list.txt").write_text("NaCl\n")
        generator = "contact_map" if model == "contact" else "distance_matrix"
        quick = (
            "--no-relax",
            "--candidates",
            "1",
            "--max-atoms",
            "4",
            "--generators",
            generator,
            "--out",
            "out",
        )
        toml = fuzz.inputs / "models.toml"
        toml.write_text(f"models = {json.dumps(str(folder))}\nspace_group = 300\n")
        words: dict[str, tuple[object, ...]] = {
            "inspect": ("inspect", "NaCl", "--json", "--max-atoms", "8", "--models", folder),
            "predict": ("predict", "NaCl", *quick, "--models", folder),
            "list": ("model", "list", "--models", folder, "--json"),
            "card": ("model", "card", model, "--models", folder),
            "campaign": ("campaign", fuzz.inputs / "list.txt", *quick, "--config", toml),
        }
        with fuzz.case():
            fuzz(*words[verb])
        shutil.rmtree(folder)
        folder.mkdir()

    check()
