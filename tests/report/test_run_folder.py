"""The files of a run folder: contents, rewriting, faults of the disk."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import ase.io
import numpy as np
import pytest
from monty.serialization import loadfn
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report import (
    SUMMARY_COLUMNS,
    EventLog,
    IndexRow,
    prepare_output_folder,
    read_run_folder,
    write_index,
    write_run_folder,
)

COLUMNS_OTHERS_RELY_ON = (
    "rank,file,formula,cell_formula,z,n_atoms,space_group_number,space_group_symbol,energy_per_atom_ev,"
    "enthalpy_per_atom_ev,formation_energy_per_atom_ev,energy_above_hull_per_atom_ev,volume_per_atom_a3,chemical_rank,energy_rank,"
    "log_probability,generator,converged,max_force_ev_per_a"
)
FILES = {
    "summary.csv",
    "structures",
    "results.json",
    "candidates.extxyz",
    "report.html",
    "run.json",
    "xrd.csv",
}


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_folder_holds_what_the_design_promises(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(), run)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert (tmp_path / "summary.csv").read_text().startswith(f"{COLUMNS_OTHERS_RELY_ON},")
    assert ",".join(SUMMARY_COLUMNS).startswith(COLUMNS_OTHERS_RELY_ON)  # new ones come last
    assert sorted(path.name for path in (tmp_path / "structures").iterdir()) == [
        "001_TiO2_sg136.cif",
        "002_TiO2_sg141.cif",
        "003_TiO2_sg61.cif",
        "004_TiO2_sg205.cif",
        "005_TiO2_sg12.cif",
    ]


def test_without_a_page_there_are_no_patterns(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(), run, page=False)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"report.html", "xrd.csv"}


@pytest.mark.filterwarnings("ignore:Issues encountered while parsing CIF")
def test_each_row_names_a_cif_of_its_structure(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction()
    write_run_folder(tmp_path, prediction, run)
    rows = table(tmp_path)
    assert [int(row["rank"]) for row in rows] == [1, 2, 3, 4, 5]
    for row, ranked in zip(rows, prediction.ranked, strict=True):
        structure = Structure.from_file(tmp_path / row["file"])
        assert StructureMatcher(ltol=1e-3, stol=1e-3, angle_tol=0.1).fit(structure, ranked.primitive)
        assert int(row["n_atoms"]) == len(ranked.primitive)
        assert float(row["volume_per_atom_a3"]) == pytest.approx(structure.volume / len(structure), abs=1e-3)
        assert float(row["energy_per_atom_ev"]) == pytest.approx(ranked.relaxation.energy_per_atom)
    assert [row["cell_formula"] for row in rows][:3] == ["Ti2O4", "Ti2O4", "Ti8O16"]
    assert [row["z"] for row in rows][:3] == ["2", "2", "8"]
    assert [row["converged"] for row in rows] == ["true", "true", "false", "true", "true"]
    assert rows[3]["log_probability"] == ""
    assert {row["energy_above_hull_per_atom_ev"] for row in rows} == {""}


def test_without_relaxation_the_energy_columns_are_empty(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(relaxed=False), run)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    empty = [
        "energy_per_atom_ev",
        "formation_energy_per_atom_ev",
        "energy_rank",
        "converged",
        "max_force_ev_per_a",
    ]
    assert {row[name] for row in table(tmp_path) for name in empty} == {""}


def test_a_formula_with_brackets_gives_plain_file_names(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(formula="Ti(O)2"), run)
    assert table(tmp_path)[0]["file"] == "structures/001_TiO2_sg136.cif"
    assert table(tmp_path)[0]["formula"] == "Ti(O)2"


def test_results_load_as_pymatgen_structures(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction(notes=("a note",))
    write_run_folder(tmp_path, prediction, run)
    results = loadfn(tmp_path / "results.json")
    assert results["format"] == "alphacrystal-results"
    assert results["notes"] == ["a note"]
    assert len(results["candidates"]) == len(prediction.candidates)
    first = results["candidates"][0]
    assert isinstance(first["structure_before"], Structure)
    assert first["structure_before"] == prediction.candidates[0].structure
    assert first["relaxation"]["structure_after"] == prediction.relaxations[0].structure
    assert first["provenance"] == {"seed": 7, "fitness": 0.25, "template": None, "bad": None}
    assert results["candidates"][5]["relaxation"]["energy_per_atom_ev"] is None  # was NaN
    assert results["structures"][0]["structure"] == prediction.ranked[0].structure
    assert results["structures"][0]["duplicates"] == [5]
    predicted = results["distograms"][0]
    np.testing.assert_allclose(
        predicted["expected_distances"], prediction.distograms[0].expected_distances, atol=1e-4
    )
    spread = np.array(predicted["distance_std"])
    off_diagonal = spread[~np.eye(len(spread), dtype=bool)]
    np.testing.assert_allclose(off_diagonal, 0.4, atol=0.03)  # the width the distogram was made with


def test_results_are_strict_json(tmp_path, make_prediction, run) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    write_run_folder(tmp_path, make_prediction(), run)
    for name in ("results.json", "run.json"):
        json.loads((tmp_path / name).read_text(encoding="utf-8"), parse_constant=refuse)


def test_candidates_read_with_ase(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction()
    write_run_folder(tmp_path, prediction, run)
    frames = ase.io.read(tmp_path / "candidates.extxyz", index=":")
    assert [frame.info["candidate"] for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [frame.info["status"] for frame in frames][1:3] == ["converged", "step limit"]
    assert frames[5].info["status"] == "exploded"
    assert frames[5].info["rank"] == 1  # a duplicate of the first
    assert "energy_per_atom_ev" not in frames[5].info
    assert "log_probability" not in frames[3].info
    assert frames[0].info["energy_per_atom_ev"] == pytest.approx(-8.9)
    relaxed = prediction.relaxations[0].structure
    assert frames[0].cell.volume == pytest.approx(relaxed.volume, rel=1e-6)
    np.testing.assert_allclose(frames[0].positions, relaxed.cart_coords, atol=1e-6)


def test_the_run_record_names_no_host(tmp_path, make_prediction, run) -> None:
    import getpass
    import socket

    write_run_folder(tmp_path, make_prediction(), run)
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 7
    assert record["configuration"]["top"] == 20
    assert record["model_hashes"] == {"distance": "ab" * 32}
    assert record["timings_s"] == {"prior": 0.1, "search": 1.2, "relax": 9.0}
    assert {"alphacrystal", "python", "torch"} <= set(record["versions"])
    assert set(record["machine"]) == {"cpu", "cores", "usable_cores", "platform"}
    machine = json.dumps(record["machine"])
    assert socket.gethostname() not in machine
    assert f'"{getpass.getuser()}"' not in machine


def test_the_same_prediction_gives_the_same_bytes(tmp_path, make_prediction, run) -> None:
    for name in ("one", "two"):
        write_run_folder(tmp_path / name, make_prediction(), run)
    paths = sorted((tmp_path / "one").rglob("*"))
    assert {"summary.csv", "results.json", "report.html"} <= {path.name for path in paths}
    for path in paths:
        if path.is_file() and path.name != "run.json":  # holds the time of writing
            other = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert path.read_bytes() == other.read_bytes(), path.name


def test_writing_again_leaves_no_cif_of_the_old_list(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(), run)
    mine = tmp_path / "structures" / "my-own-idea.cif"
    mine.write_text("data_x\n")
    (tmp_path / "structures" / ".009_TiO2_sg1.cif.tmp").write_text("half a fi")
    write_run_folder(tmp_path, make_prediction(count=2), run)
    assert sorted(path.name for path in (tmp_path / "structures").iterdir()) == [
        "001_TiO2_sg136.cif",
        "002_TiO2_sg141.cif",
        "my-own-idea.cif",
    ]


def test_an_empty_result_is_a_valid_folder(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(count=0, complete=False, notes=("nothing fitted",)), run)
    summary = read_run_folder(tmp_path)
    assert summary.rows == ()
    assert not summary.complete


def test_a_folder_reads_back_as_it_was_written(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction(notes=("Fe0.5O0.5 was read as FeO.",))
    write_run_folder(tmp_path, prediction, run)
    summary = read_run_folder(tmp_path)
    assert (summary.formula, summary.formula_text, summary.seed) == ("TiO2", "TiO₂", 7)
    assert summary.complete
    assert summary.notes == ("Fe0.5O0.5 was read as FeO.",)
    assert summary.potential == "CHGNet 0.3.0"
    assert summary.candidates == 6
    assert [row.space_group_number for row in summary.rows] == [136, 141, 61, 205, 12]
    assert [row.converged for row in summary.rows] == [True, True, False, True, True]
    assert summary.rows[0].energy_per_atom_ev == pytest.approx(-8.9)
    assert summary.rows[3].log_probability is None


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: None, "no folder"),
        (lambda folder: folder.mkdir(), "not a finished run"),
        (lambda folder: (folder.mkdir(), (folder / "run.json").write_text("{")), "damaged"),
        (lambda folder: (folder.mkdir(), (folder / "run.json").write_text("[]")), "damaged"),
    ],
)
def test_what_is_no_run_folder_is_refused(tmp_path, damage, sentence) -> None:
    damage(tmp_path / "run")
    with pytest.raises(InputError, match=sentence):
        read_run_folder(tmp_path / "run")


@pytest.mark.parametrize("text", ["", "rank,file\n1,a\n", COLUMNS_OTHERS_RELY_ON + "\n1,a\n"])
def test_a_damaged_table_is_named(tmp_path, make_prediction, run, text) -> None:
    write_run_folder(tmp_path, make_prediction(), run)
    (tmp_path / "summary.csv").write_text(text)
    with pytest.raises(InputError, match=r"summary\.csv is missing or damaged"):
        read_run_folder(tmp_path)


def test_a_run_of_several_formulas_says_which_to_view(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path / "TiO2", make_prediction(), run)
    write_index(
        tmp_path,
        [
            IndexRow("TiO2", "TiO2", "done", structures=5, space_group_number=136, energy_per_atom_ev=-8.9),
            IndexRow("Xx2", "", "failed", reason="Xx is not an element, or so"),
        ],
    )
    lines = (tmp_path / "index.csv").read_text().splitlines()
    assert lines[0] == (
        "formula,folder,status,reason,structures,space_group_number,space_group_symbol,energy_per_atom_ev,"
        "enthalpy_per_atom_ev,formation_energy_per_atom_ev,energy_above_hull_per_atom_ev,seconds,"
        "probability,novelty,prototype,a,b,c,alpha,beta,gamma,density_g_cm3"
    )
    assert lines[1] == "TiO2,TiO2,done,,5,136,,-8.900000,,,," + 10 * ","
    assert lines[2] == 'Xx2,,failed,"Xx is not an element, or so",0,,,,,,,' + 10 * ","

    with pytest.raises(InputError, match=r"several formulas; view one of its runs \(TiO2\)"):
        read_run_folder(tmp_path)


def test_an_output_folder_is_made_with_its_parents(tmp_path) -> None:
    assert prepare_output_folder(tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_in_use_needs_resume(tmp_path) -> None:
    with EventLog(tmp_path / "events.jsonl") as events:
        events.emit("prior")
    with pytest.raises(InputError, match=r"not empty.*--resume.*--out"):
        prepare_output_folder(tmp_path)
    assert prepare_output_folder(tmp_path, resume=True) == tmp_path


def test_resume_refuses_a_folder_that_holds_no_run(tmp_path) -> None:
    (tmp_path / "holiday.txt").write_text("photos")
    with pytest.raises(InputError, match="holds no run to resume"):
        prepare_output_folder(tmp_path, resume=True)


def test_a_file_is_no_output_folder(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        prepare_output_folder(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        prepare_output_folder(tmp_path / "file" / "below")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write into")
def test_an_output_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(InputError, match=r"/proc/alphacrystal cannot be written"):
        prepare_output_folder(Path("/proc/alphacrystal"))


def test_events_are_on_disk_at_once_and_survive_a_torn_line(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"time": "2026-11-22T10:00:00+00:00", "sta')  # the end of a killed run
    with EventLog(path) as events:
        events.emit("relax", done=3, of=20, energy=np.float64(-1.5), bad=float("nan"), folder=tmp_path)
        line = path.read_text(encoding="utf-8").splitlines()[-1]
    event = json.loads(line)
    assert event["stage"] == "relax"
    assert (event["done"], event["of"], event["energy"], event["bad"]) == (3, 20, -1.5, None)
    assert event["time"].endswith("+00:00")


FULL_DISK = """
    import sys
    from pathlib import Path
    from alphacrystal.errors import AlphaCrystalError
    from alphacrystal.runtime.atomic_write import write_text_atomically
    folder = Path(sys.argv[1])
    {limit}
    write_text_atomically(folder / "summary.csv", "first")
    try:
        write_text_atomically(folder / "summary.csv", "x" * 1_000_000)
    except AlphaCrystalError as error:
        names = sorted(path.name for path in folder.iterdir())
        print(error, error.exit_code, names, (folder / "summary.csv").read_text())
"""


def test_a_file_too_large_for_the_disk_leaves_the_old_one(tmp_path) -> None:
    pytest.importorskip("resource", reason="needs a limit on file sizes")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    code = textwrap.dedent(FULL_DISK).format(limit=limit)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        f"Cannot write {tmp_path}/summary.csv: the disk is full; free some space and repeat the command with "
        "--resume. 1 ['summary.csv'] first"
    )


def test_a_full_disk_leaves_the_old_file(tmp_path) -> None:
    code = textwrap.dedent(FULL_DISK).format(limit="")
    mount = f'mount -t tmpfs -o size=64k tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk")
    assert "the disk is full" in done.stdout
    assert done.stdout.strip().endswith("['summary.csv'] first")


def test_a_structures_path_that_is_a_file_is_named(tmp_path, make_prediction, run) -> None:
    (tmp_path / "structures").write_text("in the way")
    with pytest.raises(AlphaCrystalError, match=r"Cannot write .*structures"):
        write_run_folder(tmp_path, make_prediction(), run)


def test_progress_is_written_first_and_last_and_not_too_often(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    told: list[tuple[str, int, int]] = []
    with EventLog(path) as events:
        progress = events.also(lambda *step: told.append(step))
        for done in range(101):
            progress("generate", done, 100)
        progress("relax (loose)", 0, 3)
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(told) == 102
    steps = [(event["stage"], event["event"], event["done"], event["total"]) for event in written]
    assert steps[0] == ("generate", "progress", 0, 100)
    assert steps[-2:] == [("generate", "progress", 100, 100), ("relax (loose)", "progress", 0, 3)]
    assert len(steps) < 20
