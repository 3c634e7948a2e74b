"""Reads a formula in plain spelling into the amount of each element, exactly as written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from alphacrystal.composition._elements import element_keys
from alphacrystal.composition._reading import SEPARATOR, Reading
from alphacrystal.composition._suggestions import symbol_problem
from alphacrystal.errors import InputError

MAX_COUNT = 1000
MAX_DEPTH = 10

_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(?:/(\d+))?")
_DECIMAL_COMMA = re.compile(r", *\d")
_SYMBOL = re.compile(r"[A-Z][a-z]*")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_CLOSINGS = tuple(_CLOSING.values())
_SEPARATING_POINT = re.compile(r"\.(?!\d)")
_STATE_OF_MATTER = re.compile(r"\((?:s|l|g|aq|cr)\)$")
_VARIABLE = re.compile(r"[+-] *([xyz])")
_NEGATIVE_COUNT = re.compile(r"-\d+(?:\.\d+)?(?= *[A-Z(\[{])")
_SECOND_COMPOUND = re.compile(r"[+-]+>? *[A-Z]")


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of an element there is, with the rounding of the typed decimals.

    Attributes:
        value: The amount exactly as typed.
        rounding: Half a unit of the last typed digit; 0 for whole numbers, fractions and single decimals,
            which people do not use for rounded values (0.5 is one half, 0.33 is one third).
    """

    value: Fraction
    rounding: Fraction = Fraction(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.value + other.value, self.rounding + other.rounding)

    def __mul__(self, other: Amount) -> Amount:
        return Amount(self.value * other.value, self.value * other.rounding + self.rounding * other.value)


_ONE = Amount(Fraction(1))


def parse_amounts(reading: Reading) -> dict[str, Amount]:
    """Amount of each element in the order of first mention.

    Raises:
        InputError: the text is not a formula; the message says where and why.
    """
    return _Parser(reading).parts(depth=0)


class _Parser:
    """Recursive descent over the characters.

    parts = [number] group (dot [number] group)*; group = (symbol [number] | bracket [number])+.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.chars = reading.chars
        self.index = 0

    def parts(self, depth: int) -> dict[str, Amount]:
        """Groups and the dots between them, up to a closing bracket or the end."""
        total: dict[str, Amount] = {}
        while True:
            factor = self.number("the part that follows")
            _add(total, self.group(depth), factor)
            if not self.at_separator():
                return total
            self.index += 1

    def group(self, depth: int) -> dict[str, Amount]:
        """Elements and brackets up to a dot between parts, a closing bracket or the end."""
        total: dict[str, Amount] = {}
        while True:
            self.skip_spaces()
            char = self.peek()
            if char in _CLOSING:
                inner = self.bracket(depth)
                _add(total, inner, self.number("the bracket"))
            elif char.isalpha():
                symbol = self.symbol()
                _add(total, {symbol: _ONE}, self.number(symbol))
            elif total and (self.at_separator() or (char in _CLOSINGS if depth else char == "")):
                return total
            else:
                raise self.misplaced(char, depth)

    def bracket(self, depth: int) -> dict[str, Amount]:
        """The content of a pair of brackets."""
        opening, start = self.peek(), self.index
        if depth == MAX_DEPTH:
            raise self.reading.error(f"has brackets nested more than {MAX_DEPTH} deep")
        if state := _STATE_OF_MATTER.match(self.chars, start):
            raise self.reading.error(f"names a state of matter, {state[0]}; leave it out")
        self.index += 1
        inner = self.parts(depth + 1)
        if self.peek() != _CLOSING[opening]:
            raise self.reading.error(
                f"opens with {opening!r} {self.reading.at(start)} "
                f"but closes with {self.peek()!r} {self.reading.at(self.index)}"
            )
        self.index += 1
        return inner

    def symbol(self) -> str:
        """The element symbol at this place."""
        match = _SYMBOL.match(self.chars, self.index)
        symbol = match[0] if match else self.peek()
        if symbol not in element_keys():
            raise symbol_problem(self.reading, symbol, self.index)
        self.index += len(symbol)
        return symbol

    def number(self, subject: str) -> Amount:
        """The number at this place, also as ``_2`` or ``_{2}``; one when there is none."""
        self.skip_spaces()
        start = self.index
        braced = False
        if self.peek() == "_":
            self.index += 1
            braced = self.peek() == "{"
            self.index += braced
        match = _NUMBER.match(self.chars, self.index)
        if match is None:
            if self.index == start:
                return _ONE
            raise self.reading.error(f"has no number after '_' {self.reading.at(start)}")
        self.index = match.end()
        if _DECIMAL_COMMA.match(self.chars, self.index):
            raise self.misplaced(",", depth=0)
        if braced:
            if self.peek() != "}":
                raise self.reading.error(f"has no plain number between the braces {self.reading.at(start)}")
            self.index += 1
        self.refuse_second_number(match[0])
        return self.amount(match, subject)

    def amount(self, match: re.Match[str], subject: str) -> Amount:
        """The typed number as an amount, refused when it is zero or huge."""
        digits, denominator = match[1], match[2]
        if denominator is not None and int(denominator) == 0:
            raise self.reading.error(f"divides by zero in {match[0]}")
        value = Fraction(digits) / int(denominator or 1)
        if value == 0:
            raise self.reading.error(f"gives {subject} the count {match[0]}; leave out absent elements")
        if value > MAX_COUNT:
            raise self.reading.error(f"gives {subject} the count {match[0]}; the limit is {MAX_COUNT}")
        decimals = len(digits.partition(".")[2])
        return Amount(value, Fraction(1, 2 * 10**decimals) if decimals > 1 else Fraction(0))

    def refuse_second_number(self, first: str) -> None:
        """Two numbers in a row are a typing error or a hydrate without its dot: never guess."""
        if second := re.match(r" *(\.?\d+)", self.chars[self.index :]):
            raise self.reading.error(
                f"has two numbers in a row, {first} and {second[1]}; "
                "join them, or write · before the next part of a hydrate"
            )

    def misplaced(self, char: str, depth: int) -> InputError:
        """The error for a character that is not allowed here."""
        error, where = self.reading.error, self.reading.at(self.index)
        if char == "" and depth:
            return error("has a bracket that is never closed")
        if char == "":
            return error("ends with a dot" if any(map(str.isalpha, self.chars)) else "names no element")
        if char in _CLOSINGS and depth:
            return error(f"has an empty bracket {where}")
        if char in _CLOSINGS:
            return error(f"closes a bracket {where} that was never opened")
        if char in "+-^":
            return self.misplaced_sign(where)
        if char == "," and _DECIMAL_COMMA.match(self.chars, self.index):
            return error(f"has a comma {where}; write decimals with a point")
        if char == ",":
            return error(f"has a comma {where}; give one formula at a time")
        if self.at_separator():
            return error(f"has a dot {where} with nothing to separate")
        if char.isdigit() or char == ".":
            return error(f"has a number {where} that belongs to no element")
        return error(f"has an unexpected character {char!r} {where}")

    def misplaced_sign(self, where: str) -> InputError:
        """The error for a sign: mostly a charge, else a variable, a negative count or a second compound."""
        error = self.reading.error
        if variable := _VARIABLE.match(self.chars, self.index):
            return error(f"has a variable amount, {variable[1]!r}, {where}; write a number")
        if negative := _NEGATIVE_COUNT.match(self.chars, self.index):
            return error(f"has a negative count, {negative[0]}, {where}; counts are above zero")
        if _SECOND_COMPOUND.match(self.chars, self.index):
            return error(
                f"has {self.peek()!r} {where}; write one compound, not a reaction or a chemical system"
            )
        return error(f"carries a charge {where}; write the neutral formula, without charges")

    def at_separator(self) -> bool:
        """Whether the next character is a dot between parts: · or a point without a following digit."""
        return self.peek() == SEPARATOR or _SEPARATING_POINT.match(self.chars, self.index) is not None

    def peek(self) -> str:
        return self.chars[self.index : self.index + 1]

    def skip_spaces(self) -> None:
        while self.peek() == " ":
            self.index += 1


def _add(total: dict[str, Amount], group: dict[str, Amount], factor: Amount) -> None:
    for symbol, amount in group.items():
        product = amount * factor
        total[symbol] = total[symbol] + product if symbol in total else product
