"""Anything typed as a formula, in a list of formulas or in a file of settings."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

SYMBOLS = "H He Li Be B C N O F Na Mg Al Si P S Cl K Ca Sc Ti V Mn Fe Co Ni Cu Zn Ga As Se Br Sr Zr Nb Ba La"
ELEMENTS = st.sampled_from([*SYMBOLS.split(), "D", "T", "Xx", "Lr", "Og", "na", "CL", "Pu", "Ac", ""])
COUNTS = (
    "1 2 3 4 7 0 -1 0.5 1.0 1/3 ½ ₂ ² x 1e3 12 99 999999999999999999999999 0.3333 2.5 ٣ + 2+ 1_0 x2 n δ ."
)
AMOUNTS = st.sampled_from(["", "", "", " 2", *COUNTS.split()])
BRACKETS = st.sampled_from([("", ""), ("(", ")"), ("[", "]"), ("{", "}"), ("(", ""), ("", ")"), ("<", ">")])
GLUE = st.sampled_from(["", "", "", " ", "·", ".", "*", "-", "/", "+", ",", "\t", "_", ":", "\u200b", "\n"])
TEXT = st.characters(codec="utf-8", exclude_characters="\0")

QUICK = ("--no-relax", "--candidates", "1", "--top", "2")


@st.composite
def formula_like(draw: Any) -> str:
    """One to five groups of elements and amounts, with all that people and programs write between them."""
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        opened, closed = draw(BRACKETS)
        atoms = "".join(draw(ELEMENTS) + draw(AMOUNTS) for _ in range(draw(st.integers(1, 2))))
        parts.append(opened + atoms + closed + draw(AMOUNTS if closed else st.just("")) + draw(GLUE))
    return "".join(parts)


@st.composite
def misspelt(draw: Any) -> str:
    """A good formula with something typed into it."""
    text = draw(st.sampled_from(["NaCl", "SrTiO3", "Zr4Al3", "Ca(OH)2", "CuSO4·5H2O", "LiFePO4", "Fe2O3"]))
    place = draw(st.integers(0, len(text)))
    return str(text[:place] + draw(st.text(TEXT, max_size=3)) + text[place + draw(st.integers(0, 1)) :])


PLAIN = st.lists(
    st.builds(str.__add__, st.sampled_from(SYMBOLS.split()), st.sampled_from(["", "2", "3"])),
    min_size=1,
    max_size=4,
).map("".join)
FORMULAS = st.one_of(PLAIN, formula_like(), formula_like(), misspelt(), st.text(TEXT, max_size=30))


@pytest.mark.parametrize("count", [30, pytest.param(900, marks=pytest.mark.slow)])
def test_any_text_is_a_formula_or_a_sentence(fuzz: Any, count: int) -> None:
    @fuzz.cases(count)
    @given(
        texts=st.lists(FORMULAS, min_size=1, max_size=2), verb=st.sampled_from(["inspect"] * 3 + ["predict"])
    )
    def check(texts: list[str], verb: str) -> None:
        with fuzz.case() as folder:
            if verb == "inspect":
                outcome = fuzz("inspect", "--json", "--top", "2", "--", *texts)
                found = [json.loads(line) for line in outcome.out.splitlines()]
                assert len(found) == len(texts) or outcome.code == 2
                return
            outcome = fuzz("predict", *QUICK, "--max-atoms", "8", "--out", "out", "--", *texts)
            if outcome.code == 0 and len(texts) == 1:
                run = json.loads((folder / "out" / "run.json").read_text())
                assert run["complete"] is True
                assert fuzz("view", "out", "--json").code == 0
            elif outcome.code == 2 and len(texts) == 1:
                assert not (folder / "out").exists()

    check()


CELLS = st.one_of(FORMULAS, st.sampled_from(["", "Na2Cl2", "NaCl", "\x00", '"', "'", ";", "#", ","]))
GROUPS = st.sampled_from(["", "225", "0", "-1", "231", "2.0", "x", "٣", "1e2", "²", "99999999999999999999"])
ROWS = st.one_of(
    st.builds(lambda *cells: ",".join(cells), CELLS, CELLS, GROUPS),
    FORMULAS,
    st.sampled_from(["", "#", "NaCl", "NaCl,,225", '"NaCl', ",,", "\x00", "NaCl,Na2Cl2,225,more,cells"]),
)
HEADERS = st.sampled_from(
    ["formula,cell,space_group", "formula", "FORMULA ", "cell,formula", "formula,formula", "name,x", "", '"']
)


@pytest.mark.parametrize("count", [15, pytest.param(350, marks=pytest.mark.slow)])
def test_any_list_of_formulas_is_read_or_refused(fuzz: Any, count: int) -> None:
    @fuzz.cases(count)
    @given(
        header=HEADERS,
        rows=st.lists(ROWS, max_size=4),
        name=st.sampled_from(["list.csv", "list.txt", "list", "list.CSV"]),
        coding=st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]),
        end=st.sampled_from(["\n", "\r\n", "\r"]),
        verb=st.sampled_from(["inspect", "inspect", "predict"]),
    )
    def check(header: str, rows: list[str], name: str, coding: str, end: str, verb: str) -> None:
        path = fuzz.inputs / name
        path.write_bytes(end.join([header, *rows]).encode(coding, "replace"))
        with fuzz.case():
            if verb == "inspect":
                fuzz("inspect", "--from", path, "--output", "out.jsonl", "--top", "1")
            else:
                fuzz("predict", "--from", path, *QUICK, "--max-atoms", "6", "--out", "out")

    check()


def test_bytes_that_are_no_text_are_refused_too() -> None:
    """As a shell hands them over."""
    for arguments in (
        [b"inspect", b"Na\xff"],
        [b"predict", b"NaCl", b"--out", b"a\xff/b", b"--potential", b"\xff"],
    ):
        begin = [sys.executable, "-W", "error", "-c", "from alphacrystal.cli import main; main()"]
        done = subprocess.run([*begin, *arguments], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"Error: ")
        assert b"Traceback" not in done.stderr
