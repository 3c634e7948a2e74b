"""`alphacrystal data phases` builds a table of known phases from structure files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymatgen.core import Lattice, Structure

from alphacrystal.ranking import known_phases, table_facts

Run = Callable[..., Any]


def test_table_of_a_folder_of_crystals(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "crystals"
    source.mkdir()
    for name, group, a in (("salt", 225, 5.6), ("dense", 221, 3.5)):
        sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
        Structure.from_spacegroup(group, Lattice.cubic(a), ["Na", "Cl"], sites).to(
            str(source / f"{name}.cif")
        )
    out = tmp_path / "phases.sqlite"
    outcome = run("data", "phases", source, "--out", out, "--note", "two crystals")
    assert outcome.code == 0, outcome.err
    assert "2 phases" in outcome.out
    phases = {phase.label: phase for phase in known_phases(out, frozenset({"Na", "Cl"}))}
    assert set(phases) == {"225:Cl=b;Na=a", "221:Cl=b;Na=a"}
    salt, dense = phases["225:Cl=b;Na=a"], phases["221:Cl=b;Na=a"]
    assert salt.energy < dense.energy < 0
    assert (salt.ground, dense.ground) == (True, False)
    assert table_facts(out)["note"] == "two crystals"
    assert run("data", "phases", source, "--out", out).code == 2  # the file exists


def test_source_without_crystals_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = run("data", "phases", tmp_path / "empty", "--out", tmp_path / "x.sqlite")
    assert outcome.code == 2
    assert not (tmp_path / "x.sqlite").exists()
