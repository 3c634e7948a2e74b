"""Write the pages of the documentation that are made from the program itself.

docs/reference/cli.md comes from the command line's own help, docs/model-cards.md from the cards of the
shipped networks. Run it after a change of either (a test says when): python scripts/build_docs_pages.py
"""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from alphacrystal.cli._app import app
from alphacrystal.learn import MODEL_NAMES, read_card

DOCS = Path(__file__).parents[1] / "docs"
NOTE = "<!-- Written by scripts/build_docs_pages.py: do not edit. -->\n\n"
ABOUT_CLI = """\
Exit codes: 0 done; 2 bad input, one sentence on standard error; 1 internal failure, or no candidate could be
relaxed; 130 after Ctrl-C and 143 after SIGTERM, with everything finished so far on disk. Results go to
standard output, progress and messages to standard error.
"""
ABOUT_CARDS = """\
# Model cards

What the shipped networks are, were trained on, and reach on compounds whose formula was held out.
`alphacrystal model card NAME` prints a card with all its settings; [the networks](models.md) explains them,
and [what was measured](benchmarks/models.md) compares them with controls.
"""


def cli_reference() -> str:
    """Every verb with its arguments and options, as Markdown."""
    command = typer.main.get_command(app)
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


PAGES = {DOCS / "reference" / "cli.md": cli_reference, DOCS / "model-cards.md": model_cards}


def main() -> None:
    for path, text in PAGES.items():
        path.write_text(text(), encoding="utf-8")
        print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
