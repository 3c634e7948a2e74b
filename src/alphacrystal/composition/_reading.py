"""Brings the many ways people write a formula to one plain spelling that knows where each character was."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from alphacrystal.errors import InputError

MAX_LENGTH = 200
_MAX_SHOWN_LENGTH = 60
SEPARATOR = "·"

# Mark-up around a formula that says nothing about its content: LaTeX and HTML.
_MARKUP = re.compile(r"\$|\\(?:mathrm|mathit|mathbf|text|rm|ce)(?![A-Za-z])|\\[,;! ]|</?(?:sub|SUB)>")
_SEPARATOR_COMMAND = re.compile(r"\\cdot(?![A-Za-z])")
# Spelt as code points because most look like another character: middle dot, bullet, bullet operator, dot
# operator, katakana middle dots, hyphenation point, asterisk operator.
_DOTS = set("*\u00b7\u2022\u2219\u22c5\u30fb\uff65\u2027\u2217")
_MINUS = set("-\u2010\u2011\u2012\u2013\u2014\u2212")  # hyphens, dashes and the minus sign
_VARIABLE = set("δ□")
# Soft hyphen, zero-width space and joiners, word joiner, byte-order mark: they come with copied text.
_INVISIBLE = set("\u00ad\u200b\u200c\u200d\u2060\ufeff")
# What spreadsheets and programs write for "nothing"; "NaN" and "InF" are formulas.
_MISSING_VALUES = ("nan", "inf", "infinity", "none", "null", "None", "Infinity")
# Compatibility forms that keep their meaning when written plainly; Roman numerals or ligatures would not.
_PLAIN_FORMS = ("<sub>", "<super>", "<wide>", "<narrow>", "<font>", "<small>")
# "CaSO4.2H2O": a dot before water at the end stands for a hydrate.
_WATER = re.compile(r"\. *(\d+(?:\.\d+)?)? *(?:H2O|\( *H2O *\)|\[ *H2O *\]) *$")


@dataclass(frozen=True, slots=True)
class Reading:
    """A formula in plain spelling, ready to parse.

    Attributes:
        text: Input of the user.
        label: Name of the text in messages, "Formula" or "Cell content".
        chars: Plain spelling: ASCII, with "·" before the parts of an addition compound.
        positions: For each of ``chars``, the position in ``text``, counted from 1.
        notes: Notes for the user on the reading.
    """

    text: str
    label: str
    chars: str
    positions: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def at(self, index: int) -> str:
        """Position of ``chars[index]`` in the user's text, in words."""
        return f"at position {self.positions[index]}" if index < len(self.positions) else "at the end"

    def error(self, problem: str) -> InputError:
        """The error for this formula; ``problem`` completes the sentence that begins with the formula."""
        return InputError(f"{self.label} {shown(self.text)} {problem}{'' if problem.endswith('?') else '.'}")


def legible(text: str) -> str:
    """The text for a note, without tabs, line ends and invisible characters."""
    return "".join(char for char in text.strip() if char.isprintable())


def shown(text: str) -> str:
    """The text quoted for a message, short and without control characters."""
    return repr(text) if len(text) <= _MAX_SHOWN_LENGTH else f"{text[:_MAX_SHOWN_LENGTH]!r}..."


def read(text: str, label: str) -> Reading:
    """Bring a typed formula to plain spelling.

    Handles Unicode subscripts and superscripts, full-width and mathematical letters, LaTeX and HTML mark-up,
    no-break and zero-width spaces, and the dots of hydrates. A "." is a decimal point if a digit follows,
    unless water follows at the end of the formula ("CaSO4.2H2O"); "·" and "*" always separate parts.

    Raises:
        InputError: the text is empty, too long, or has a character that no formula has.
    """
    blank = Reading(text, label, "", ())
    if len(text) > MAX_LENGTH:
        raise blank.error(f"is {len(text)} characters long; the limit is {MAX_LENGTH}")
    if text.strip().lstrip("+-") in _MISSING_VALUES:
        raise blank.error("is a missing value; write a formula such as Zr4Al3")
    chars: list[str] = []
    positions: list[int] = []
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    while start < end:
        length, plain = 1, ""
        if markup := _MARKUP.match(text, start, end):
            length = len(markup[0])
        elif command := _SEPARATOR_COMMAND.match(text, start, end):
            length, plain = len(command[0]), SEPARATOR
        else:
            plain = _plain(blank, text, start)
        chars.extend(plain)
        positions.extend([start + 1] * len(plain))
        start += length
    if not "".join(chars).strip():
        raise InputError(f"{label} is empty; write one such as Zr4Al3.")
    return _mark_water(Reading(text, label, "".join(chars), tuple(positions)))


def _plain(reading: Reading, text: str, index: int) -> str:
    """The plain spelling of one character."""
    char = text[index]
    if char in _INVISIBLE:
        return ""
    if char in _DOTS:
        return SEPARATOR
    if char in _MINUS:
        return "-"
    if char in _VARIABLE:
        raise reading.error(f"has a variable amount, {char!r}, at position {index + 1}; write a number")
    if char == "\t" or unicodedata.category(char) == "Zs":
        return " "
    if char.isascii() and char.isprintable():
        return char
    form, _, code_points = unicodedata.decomposition(char).partition(" ")
    if form == "<fraction>" and not text[:index][-1:].isdigit():  # ½, but not the ambiguous 1½
        return "".join(chr(int(code, 16)) for code in code_points.split()).replace("\u2044", "/")
    if form in _PLAIN_FORMS:
        plain = "".join(chr(int(code, 16)) for code in code_points.split())
        plain = "-" if plain in _MINUS else plain
        if form == "<super>" and _begins_isotope(text, index):
            raise reading.error(
                f"names an isotope at position {index + 1}; write the element alone, "
                "since isotopes form the same crystal structures"
            )
        if plain.isascii() and plain.isprintable():
            return plain
    name = unicodedata.name(char, f"control character U+{ord(char):04X}")
    raise reading.error(f"has an unexpected character, {name}, at position {index + 1}")


def _begins_isotope(text: str, index: int) -> bool:
    """Whether the superscript at ``index`` precedes a symbol, as in ¹⁸O, but follows none, as in TiO²."""
    before, behind = text[:index], text[index:].lstrip("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return behind[:1].isalpha() and re.search(r"[^\W_] *$|[)\]}]$", before) is None


def _mark_water(reading: Reading) -> Reading:
    """Turn the "." before water at the end into "·", with a note where it could have been a decimal point."""
    chars = reading.chars
    for dot in (i for i, char in enumerate(chars) if char == "."):
        water = _WATER.match(chars, dot)
        count_before = re.search(r"\d*$", chars[:dot])
        zero_before = count_before is not None and count_before[0] != "" and int(count_before[0]) == 0
        if water is None or dot == 0 or (zero_before and water[1]):
            continue
        hydrate = chars[:dot] + SEPARATOR + chars[dot + 1 :]
        notes = (f"{legible(reading.text)} was read as the hydrate {hydrate}",) if water[1] else ()
        return replace(reading, chars=hydrate, notes=notes)
    return reading
