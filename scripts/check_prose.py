"""Check the prose of documentation, docstrings and messages against scripts/prose_words.toml.

usage, in the repository root: python scripts/check_prose.py [PATH ...]

Without paths it checks those that the word list names.

Markdown: all text except code, link targets and generated pages. Python: docstrings and strings of three or
more words. Vale and proselint were tried: Vale downloads its program at the first run, so it does not work
offline, and proselint takes no word list.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

WORD_LIST = Path(__file__).with_name("prose_words.toml")
# Code, comments and link targets; blanked out, so that positions stay.
NOT_PROSE = re.compile(
    r"^( *)```.*?^\1``` *$|<!--.*?-->|^:::[^\n]*$|`[^`]*`|\]\([^)]*\)|https?://\S+",
    flags=re.DOTALL | re.MULTILINE,
)
CODE_IN_STRINGS = re.compile(r"``?[^`]*`?`|https?://\S+|--[a-z-]+")


def blank(match: re.Match[str]) -> str:
    """Spaces in the place of a text, with its line breaks."""
    return re.sub(r"[^\n]", " ", match[0])


def texts_of_markdown(source: str) -> Iterator[tuple[int, str]]:
    """The prose of a page, with its first line number."""
    yield 1, NOT_PROSE.sub(blank, source)


def texts_of_python(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings and strings of three or more words, with their first line numbers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) >= 3:
            yield node.lineno, CODE_IN_STRINGS.sub(blank, node.value)


def whole_words(pattern: str) -> re.Pattern[str]:
    """A key of the word list as an expression; a space of it matches a line break too."""
    spaced = pattern.replace(" ", r"\s+")
    return re.compile(rf"(?<![\w-])(?:{spaced})(?![\w-])", re.IGNORECASE)


def findings(path: Path, rules: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """One line for each refused word of a file."""
    source = path.read_text(encoding="utf-8")
    texts = texts_of_python(source) if path.suffix == ".py" else texts_of_markdown(source)
    for first_line, text in texts:
        for pattern, replacement in rules:
            for match in pattern.finditer(text):
                line = first_line + text.count("\n", 0, match.start())
                words = " ".join(match[0].split())
                yield f"{path}:{line}: '{words}': use {replacement}"


def files(paths: list[Path], exclude: list[Path]) -> Iterator[Path]:
    """Markdown and Python files at the paths and below, without the excluded ones."""
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if file.suffix in {".md", ".py"} and not any(file.is_relative_to(folder) for folder in exclude):
                yield file


def main() -> int:
    """Print the findings; the exit code is 1 if there are any."""
    settings = tomllib.loads(WORD_LIST.read_text(encoding="utf-8"))
    rules = [(whole_words(pattern), replacement) for pattern, replacement in settings["words"].items()]
    paths = [Path(argument) for argument in sys.argv[1:] or settings["paths"]]
    exclude = [Path(name) for name in settings["exclude"]]
    lines = [line for file in files(paths, exclude) for line in findings(file, rules)]
    print("\n".join(lines) or "no findings")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
