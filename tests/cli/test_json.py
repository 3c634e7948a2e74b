"""``--json``: every verb can print what it says as JSON, one object a line, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer
from pymatgen.core import Lattice, Structure

from alphacrystal.cli.app import app
from alphacrystal.report import SUMMARY_COLUMNS

Run = Callable[..., Any]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")


def halite(symbols: tuple[str, str] = ("Na", "Cl"), a: float = 5.7) -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(a), symbols, [[0, 0, 0], [0.5, 0.5, 0.5]])


def objects(outcome: Any) -> list[dict[str, Any]]:
    """Standard output read as JSON lines."""
    return [json.loads(line) for line in outcome.out.splitlines()]


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every verb with its command, through the groups."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


# They write files: the page of a result, which is JSON already, and the results of several benchmarks. The
# messages of mcp are JSON.
WITHOUT = {"benchmark page", "benchmark quick", "mcp"}


def test_every_verb_has_json() -> None:
    commands = dict(verbs(typer.main.get_command(app).loaded()))
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in commands.items()
    }
    assert len(options) > len(WITHOUT)
    assert {name for name, given in options.items() if "--json" not in given} <= WITHOUT


def test_runs_of_predict_and_view(run: Run) -> None:
    outcome = run("predict", "NaCl", *QUICK, "--out", "one", "--json")
    (found,) = objects(outcome)
    assert outcome.code == 0
    assert (found["formula"], found["folder"], found["complete"]) == ("NaCl", "one", True)
    assert [row["rank"] for row in found["rows"]] == [1, 2]
    assert found["rows"][0].keys() == set(SUMMARY_COLUMNS)
    assert Path(found["folder"], found["rows"][0]["file"]).is_file()
    assert objects(run("view", "one", "--json")) == [found]
    resumed = run("predict", "--resume", "--out", "one", "--json")
    assert objects(resumed) == [found]
    assert "nothing to resume" in resumed.err


def test_list_of_formulas_prints_a_line_for_each(run: Run) -> None:
    outcome = run("predict", "NaCl", "Xx", "MgO", *QUICK, "--out", "batch", "--json")
    assert outcome.code == 2
    first, failed, last = objects(outcome)
    assert (first["formula"], last["formula"]) == ("NaCl", "MgO")
    assert (failed["formula"], failed["status"]) == ("Xx", "failed")
    assert "Xx" in failed["reason"]
    assert "2 of 3 formulas done" in outcome.err


def test_relaxed_and_ranked_files(run: Run, tmp_path: Path) -> None:
    halite().to(str(tmp_path / "a.cif"))
    halite(("Mg", "O"), 4.3).to(str(tmp_path / "b.cif"))
    steps = ("--steps", "3", "--workers", "1")
    relaxed = objects(run("relax", "a.cif", "b.cif", "--out", "relaxed", *steps, "--json"))
    assert [item["formula"] for item in relaxed] == ["NaCl", "MgO"]
    assert relaxed[0]["rows"][0]["energy_per_atom_ev"] == pytest.approx(-3.67, abs=0.05)
    (ranked,) = objects(run("rank", "a.cif", "--out", "ranked", "--json"))
    assert ranked["rows"][0]["space_group_number"] == 225


def test_data_verbs(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "crystals"
    folder.mkdir()
    for cation, a in (("Na", 5.7), ("K", 6.3)):
        halite((cation, "Cl"), a).to(str(folder / f"{cation}Cl.cif"))
    copper = Structure.from_spacegroup(225, Lattice.cubic(3.6), ["Cu"], [[0, 0, 0]])
    copper.to(str(folder / "Cu.cif"))
    built = run("data", "build", "crystals", "--out", "all.jsonl", "--json")
    assert objects(built) == [{"records": 3, "file": "all.jsonl"}]
    cut = run("data", "subset", "all.jsonl", "--elements", "K,Cl", "--out", "k.jsonl", "--json")
    assert objects(cut) == [{"records": 1, "file": "k.jsonl"}]
    (stats,) = objects(run("data", "stats", "all.jsonl", "--json"))
    assert stats["counts"]["structures"] == 3
    assert stats["elements"]["Cl"] == 2
    assert stats["elements_per_cell"] == {"1": 1, "2": 2}
    table = run("data", "references", "all.jsonl", "--out", "references.json", "--json")
    assert objects(table) == [{"elements": 1, "file": "references.json"}]


def test_models_and_their_cards(run: Run) -> None:
    (listed,) = objects(run("model", "list", "--json"))
    names = [card["name"] for card in listed["models"]]
    assert {"symmetry", "group", "lattice", "distance"} <= set(names)
    (card,) = objects(run("model", "card", "lattice", "--json"))
    assert card == json.loads(run("model", "card", "lattice").out)
    assert card in listed["models"]


def test_campaign_says_where_its_tables_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("NaCl\nXx\n")
    outcome = run("campaign", "list.txt", *QUICK, "--out", "many", "--json")
    assert objects(outcome) == [
        {"total": 2, "done": 1, "failed": 1, "index": "many/index.csv", "failures": "many/failures.csv"}
    ]
    assert (tmp_path / "many" / "failures.csv").is_file()


def test_server_says_its_address(start: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs the extra web")
    process = start("serve", "--port", "0", "--folder", tmp_path / "runs", "--json", PYTHONUNBUFFERED="1")
    address = json.loads(process.read_line())["address"]
    assert address.startswith("http://127.0.0.1:")


def test_training_summary(run: Run, tmp_path: Path) -> None:
    lines = []
    cations, anions = ("Li", "Na", "K", "Rb", "Mg", "Ca"), ("F", "Cl", "Br", "O", "S")
    for number, (cation, anion) in enumerate(product(cations, anions)):
        record = {
            "id": str(number),
            "reduced_formula": f"{cation}{anion}",
            "lattice": [[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]],
            "species": [cation, anion],
            "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
            "functional": "PBE",
            "split": "val" if number % 5 == 0 else "train",
        }
        lines.append(json.dumps(record))
    (tmp_path / "records.jsonl").write_text("\n".join(lines) + "\n")
    outcome = run("train", "lattice", "--data", "records.jsonl", "--out", "out", "--epochs", "1", "--json")
    (summary,) = objects(outcome)
    assert summary["name"] == "lattice"
    assert isinstance(summary["metrics"]["val_loss"], float)
    assert Path(summary["weights"]).is_file()
    assert Path(summary["loss"]).is_file()
