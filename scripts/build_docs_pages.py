"""Write the parts of the documentation that come from the program.

docs/reference/cli.md comes from the help of the command line, docs/model-cards.md from the cards of the
shipped networks, the module graph in CONTRIBUTING.md from the imports, and the tables of generators and
potentials from their registries.

usage: python scripts/build_docs_pages.py [--check]
With --check it writes nothing, and the exit code is 1 if a page is out of date.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from alphacrystal.cli.app import app
from alphacrystal.cli.command_group import CommandGroup
from alphacrystal.generate import GENERATORS
from alphacrystal.learn import MODEL_NAMES, read_card
from alphacrystal.relaxation import POTENTIALS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "alphacrystal"
NOTE = "<!-- Written by scripts/build_docs_pages.py: do not edit. -->\n\n"
EVERYWHERE = {"errors", "typing"}  # modules that all packages import
ABOUT_CLI = """\
Results are on standard output, progress and messages on standard error.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | internal failure, or no candidate could be relaxed |
| 2 | bad input; one sentence on standard error names it |
| 130, 143 | ended by Ctrl-C or SIGTERM; the finished part is on disk |
"""
ABOUT_CARDS = """\
# Model cards

The shipped networks, their training data, and their errors on compounds whose formula was held out.
`alphacrystal model card NAME` prints a card with all settings. [The networks](models.md) explains them, and
[the benchmark of the learned models](benchmarks/models.md) compares them with controls.
"""


def cli_reference() -> str:
    """Every command with its arguments and options, as Markdown."""
    group = typer.main.get_command(app)
    assert isinstance(group, CommandGroup)
    command = group.loaded()
    text = get_docs_for_click(
        obj=command, ctx=typer.Context(command), name="alphacrystal", title="Command line"
    )
    title, _, rest = text.partition("\n\n")
    return f"{NOTE}{title}\n\n{ABOUT_CLI}\n{rest.rstrip()}\n"


def model_cards() -> str:
    """The cards of the shipped networks, as Markdown."""
    parts = [NOTE + ABOUT_CARDS]
    for name in MODEL_NAMES:
        card = read_card(name)
        facts = {
            "parameters": f"{card.parameters:,}",
            "data": card.data,
            "split": card.split,
            "trained": ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in card.trained.items()),
            "seed": str(card.seed),
            "command": f"`{card.command}`",
            "licence": card.licence,
            "limits": card.limits,
            "SHA-256": f"`{card.sha256}`",
        }
        rows = "\n".join(f"| {key} | {value} |" for key, value in facts.items())
        metrics = "\n".join(f"| `{key}` | {value:g} |" for key, value in card.metrics.items())
        parts.append(f"## {name}\n\n{card.description}\n\n| | |\n|---|---|\n{rows}\n")
        parts.append(f"| validation metric | value |\n|---|---|\n{metrics}\n")
    return "\n".join(parts)


def imported_modules(statements: ast.AST) -> Iterator[str]:
    """Full names that a syntax tree imports at run time, inside functions too."""
    for node in ast.iter_child_nodes(statements):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        yield from imported_modules(node)


def package_imports() -> dict[str, set[str]]:
    """For each package and root module of alphacrystal, the others that it imports."""
    files = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]
    homes = {path: path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in files}
    imports: dict[str, set[str]] = {home: set() for home in sorted(homes.values())}
    for path, home in homes.items():
        for name in imported_modules(ast.parse(path.read_text(encoding="utf-8"))):
            parts = name.split(".")
            if parts[0] == "alphacrystal" and len(parts) > 1 and parts[1] in imports:
                imports[home].add(parts[1])
    return {home: names - {home} for home, names in imports.items()}


def module_graph() -> str:
    """The imports between packages as a Mermaid diagram, without arrows that a longer path implies."""
    imports = {
        home: names - EVERYWHERE for home, names in package_imports().items() if home not in EVERYWHERE
    }
    reached: dict[str, set[str]] = {}
    lines = []
    for home in TopologicalSorter(imports).static_order():  # raises CycleError for a circle of imports
        indirect = set().union(*(reached[name] for name in imports[home]))
        lines += [f"  {home} --> {name}" for name in imports[home] - indirect]
        reached[home] = imports[home] | indirect
    return "\n".join(["```mermaid", "graph TD", *sorted(lines), "```\n"])


def generator_table() -> str:
    """The built-in generators, as a Markdown table."""
    rows = [(f"`{spec.name}`", spec.label, "yes" if spec.on_page else "") for spec in GENERATORS.built_in()]
    return table(("name", "method", "on the web page"), rows)


def potential_table() -> str:
    """The built-in potentials and energy models, as a Markdown table."""
    rows = [
        (
            f"`{spec.name}MODEL`" if spec.name.endswith(":") else f"`{spec.name}`",
            spec.label,
            str(spec.scale),
            "yes" if spec.on_page else "",
        )
        for spec in POTENTIALS.built_in()
    ]
    return table(("name", "model", "energies", "on the web page"), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_section(path: Path, name: str, build: Callable[[], str]) -> str:
    """A page with the present text between its marks ``<!-- NAME: ... -->`` and ``<!-- end -->``."""
    start, end = f"<!-- {name}: written by scripts/build_docs_pages.py -->\n", "<!-- end -->\n"
    before, mark, rest = path.read_text(encoding="utf-8").partition(start)
    _, end_mark, after = rest.partition(end)
    assert mark, f"{path} has no line {start}"
    assert end_mark, f"{path} has no line {end}"
    return f"{before}{start}\n{build()}\n{end}{after}"


PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "reference" / "cli.md": cli_reference,
    DOCS / "model-cards.md": model_cards,
    **{
        path: partial(with_section, path, name, build)
        for path, name, build in (
            (ROOT / "CONTRIBUTING.md", "module graph", module_graph),
            (DOCS / "generators.md", "generators", generator_table),
            (DOCS / "potentials.md", "potentials", potential_table),
        )
    },
}


def main() -> int:
    """Write the pages that differ, or name them."""
    check = "--check" in sys.argv[1:]
    changed = 0
    for path, build in PAGES.items():
        text = build()
        if text != path.read_text(encoding="utf-8"):
            changed += 1
            print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}")
            if not check:
                path.write_text(text, encoding="utf-8")
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
