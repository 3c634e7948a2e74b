"""The documentation: generated pages are up to date, tutorials run, the site builds without a warning."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import alphacrystal

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WORDS = {
    "predict.py": ["TiO2: 10 distinct structures from 10 candidates", "Rutile has rank "],
    "custom_potential.py": ["Pm-3m (221)", "converged in"],
    "evaluate.py": ["matched within the first 10: 100%", "superpose_invariant"],
    "campaign.py": ["stopped with", "3 done, 1 failed of 4", "unknown element 'Xx'"],
    "train.py": ["62 of 64 records", "volume_mean_error", "RbCl: 5 distinct structures"],
}


SLOW = {"campaign.py", "evaluate.py"}
TUTORIALS = [
    pytest.param(path.name, marks=pytest.mark.slow if path.name in SLOW else ())
    for path in sorted((DOCS / "tutorials").glob("*.py"))
]
assert set(WORDS) == {path.name for path in (DOCS / "tutorials").glob("*.py")}


@pytest.fixture(scope="module")
def pages() -> dict[Path, Any]:
    """The generated pages, and functions that return their text."""
    generated: dict[Path, Any] = runpy.run_path(str(ROOT / "scripts" / "build_docs_pages.py"))["PAGES"]
    return generated


PAGES = [
    "docs/reference/cli.md",
    "docs/model-cards.md",
    "docs/generators.md",
    "docs/potentials.md",
    "CONTRIBUTING.md",
]


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(pages: dict[Path, Any], name: str) -> None:
    text = pages[ROOT / name]()
    assert text == (ROOT / name).read_text(encoding="utf-8"), "run: python scripts/build_docs_pages.py"


def public_object(name: str) -> object:
    """The object with a full name; of a class also its annotated attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            annotations = getattr(value, "__annotations__", {})
            value = annotations[part] if part in annotations else getattr(value, part)
        return value
    raise AssertionError(name)


def test_names_in_the_glossary_exist() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    names = [name for row in rows for name in re.findall(r"`([\w.]+)`", row[3])]
    assert len(names) > 30
    for name in names:
        assert public_object(f"alphacrystal.{name}") is not None


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def prose_check(path: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "check_prose.py"
    return subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("page.md", "The row stands\nfirst.\n", ":1: 'stands'"),
        ("page.md", "Crystals are a\nkind of\nstructure.\n", ":2: 'kind of structure'"),
        ("module.py", '"""Return the value.\n\nIt goes on until the end.\n"""\n', ":3: 'goes on'"),
    ],
)
def test_prose_check_names_refused_words(tmp_path: Path, name: str, text: str, word: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    checked = prose_check(tmp_path / name)
    assert checked.returncode == 1
    assert word in checked.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "Run `stands` or\n\n```\nstands beside\n```\n\n[this](stands.md). What stays?\n"),
        ("module.py", 'beside = "stands"  # a single word is a key\n'),
    ],
)
def test_prose_check_ignores_code(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    checked = prose_check(tmp_path / name)
    assert (checked.returncode, checked.stdout) == (0, "no findings\n")


def run_python(*arguments: object, folder: Path) -> str:
    """Standard output of a Python process that ended well."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial_runs(name: str, tmp_path: Path) -> None:
    said = run_python(DOCS / "tutorials" / name, folder=tmp_path)
    for words in WORDS[name]:
        assert words in said
    page = (DOCS / "tutorials" / name.replace("_", "-")).with_suffix(".md").read_text(encoding="utf-8")
    assert f'--8<-- "tutorials/{name}"' in page


def test_every_page_is_in_the_navigation() -> None:
    listed = set(
        re.findall(r"\S+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert listed == there, "name each page of docs in the nav of mkdocs.yml"


def module_names() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(alphacrystal.__path__, "alphacrystal.")}


def exported_names() -> set[str]:
    """Full names in ``__all__`` of the packages, except of the command line and the optional workflows."""
    names = set()
    for package in ["alphacrystal", *module_names(), "alphacrystal.learn.training"]:
        exports = getattr(importlib.import_module(package), "__all__", ())
        if package not in {"alphacrystal.cli", "alphacrystal.integrations"}:
            names |= {f"{package}.{name}" for name in exports}
    return names


def documented_names(page: str) -> set[str]:
    """Full names of the exports of packages that a page of the reference describes."""
    names = re.findall(r'id="((alphacrystal(?:\.\w+)*)\.\w+)"', page)
    packages = {name.rpartition(".")[0] for name in exported_names()}
    return {name for name, package in names if package in packages} - module_names()


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    run_python("-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site", folder=ROOT)
    reference = "".join(
        (tmp_path / "site" / "reference" / f"{name}.html").read_text(encoding="utf-8")
        for name in ("python", "packages")
    )
    assert documented_names(reference) == exported_names()
    tutorial = (tmp_path / "site" / "tutorials" / "predict.html").read_text(encoding="utf-8")
    assert "# Search the list for the known structure" in tutorial
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")]
    fetched = [
        found for page in pages for found in re.findall(r'<(?:script|img|link)[^>]*"https?://[^"]*"', page)
    ]
    assert fetched == []


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
