"""A small spreadsheet: reads the formulas of a workbook and works them out, knowing nothing of who wrote them."""

import io
import operator
import re
from functools import cached_property
from pathlib import Path

import numpy as np
import openpyxl
from openpyxl.worksheet.formula import ArrayFormula

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*")|(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?)
    |(?P<cells>(?:'[^']+'!)?\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)|(?P<name>[A-Z]+)|(?P<sign><=|>=|<>|[-+*/^=<>(),]))""",
    re.VERBOSE,
)
COMPARED = {
    "=": operator.eq,
    "<>": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def divided(one, other):
    """A quotient; of nothing there is none, which only fails where a formula goes on with it."""
    return one / other if isinstance(other, np.ndarray) or other else float("nan")


TWO_OF = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": divided, "^": operator.pow}
LEVELS = (tuple(COMPARED), ("+", "-"), ("*", "/"), ("^",))  # what binds least comes first


class Workbook:
    """The cells of a workbook, each with what stands in it, what it comes to, and what the file says it came to."""

    def __init__(self, source: Path | bytes):
        raw = source if isinstance(source, bytes) else source.read_bytes()
        self.raw = raw
        self.written = openpyxl.load_workbook(io.BytesIO(raw))
        self.known = {}
        self.changed = {}

    @cached_property
    def cached(self):
        """The same with what the file says that formulas came to."""
        return openpyxl.load_workbook(io.BytesIO(self.raw), data_only=True)

    def change(self, sheet, place, value):
        """Type something into a cell."""
        self.changed[sheet, place] = value
        self.known = {}

    def formulas(self):
        """All cells with a formula: sheet, place, formula."""
        return [
            (page.title, cell.coordinate, text_of(cell))
            for page in self.written
            for row in page.iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]

    def stored(self, sheet, place):
        """What the file says that a cell came to."""
        return self.cached[sheet][place].value

    def table(self, sheet, place):
        """What many cells come to, row by row."""
        if (sheet, place) not in self.known:
            rows = [[self.value(sheet, cell.coordinate) for cell in row] for row in self.written[sheet][place]]
            self.known[sheet, place] = np.array(rows)
        return self.known[sheet, place]

    def value(self, sheet, place):
        """What a cell comes to."""
        if (sheet, place) in self.changed:
            return self.changed[sheet, place]
        if (sheet, place) not in self.known:
            cell = self.written[sheet][place]
            is_formula = cell.data_type == "f"
            self.known[sheet, place] = Reckoning(self, sheet, text_of(cell)[1:]).result() if is_formula else cell.value
        return self.known[sheet, place]


def text_of(cell):
    """The formula of a cell, whether it stands alone or reckons with whole tables."""
    return cell.value.text if isinstance(cell.value, ArrayFormula) else cell.value


class Reckoning:
    """One formula being worked out from left to right."""

    def __init__(self, book, sheet, formula):
        self.book, self.sheet, self.tokens, self.at = book, sheet, [], 0
        self.with_tables = "SUMPRODUCT" in formula
        rest = formula
        while rest.strip():
            found = TOKEN.match(rest)
            assert found, f"unknown: {rest}"
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            rest = rest[found.end() :]

    def result(self):
        """What all of it comes to."""
        value = self.level(0)
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]}"
        return value

    def ahead(self):
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, wanted=None):
        kind, text = self.tokens[self.at]
        assert wanted in (None, text)
        self.at += 1
        return kind, text

    def level(self, depth):
        """Operators that bind alike, from the left."""
        if depth == len(LEVELS):
            return self.single()
        value = self.level(depth + 1)
        while self.ahead() in LEVELS[depth]:
            sign = self.take()[1]
            other = self.level(depth + 1)
            compare = COMPARED.get(sign)
            value = compare(folded(value), folded(other)) if compare else TWO_OF[sign](or_0(value), or_0(other))
        return value

    def single(self):
        """A number, a text, cells, a function, or something in brackets."""
        kind, text = self.take()
        if text == "(":
            value = self.level(0)
            self.take(")")
            return value
        if kind == "number":
            return float(text)
        if kind == "text":
            return text[1:-1].replace('""', '"')
        if kind == "cells":
            return self.cells(text)
        return self.called(text)

    def cells(self, text):
        sheet, _, place = text.rpartition("!")
        sheet, place = sheet.strip("'") or self.sheet, place.replace("$", "")
        if ":" not in place:
            return self.book.value(sheet, place)
        if self.with_tables:
            return self.book.table(sheet, place)
        return [self.book.value(sheet, cell.coordinate) for row in self.book.written[sheet][place] for cell in row]

    def called(self, name):
        """What a function makes of its arguments."""
        self.take("(")
        given = [self.level(0)]
        while self.ahead() == ",":
            self.take(",")
            given.append(self.level(0))
        self.take(")")
        return FUNCTIONS[name](*given)


def or_0(value):
    """An empty cell counts as nothing."""
    return value if isinstance(value, np.ndarray) else value or 0


def where_equal(row, wanted, amounts):
    """For each number that is wanted, the sum of the amounts that stand under it."""
    return np.vectorize(lambda one: amounts[row == one].sum())(wanted)


def folded(value):
    """A spreadsheet takes texts in capitals and in small letters for the same."""
    return value.casefold() if isinstance(value, str) else value


def numbers(given):
    """All numbers among arguments."""
    parts = [part for one in given for part in (one if isinstance(one, list) else [one])]
    return [part for part in parts if isinstance(part, int | float)]


FUNCTIONS = {
    "SUM": lambda *given: sum(numbers(given)),
    "MIN": lambda *given: min(numbers(given)),
    "MAX": lambda *given: max(numbers(given)),
    "ABS": abs,
    "ROUND": lambda value, places: round(value, int(places)),
    "AND": lambda *given: all(numbers(given)),
    "IF": lambda test, then, other: then if test else other,
    "INDEX": lambda cells, at: cells[int(at) - 1],
    "SUMPRODUCT": lambda table: float(np.sum(table)),
    "MMULT": np.matmul,
    "TRANSPOSE": np.transpose,
    "SUMIF": where_equal,
    "MOD": np.mod,
    "EXP": np.exp,
    "TANH": np.tanh,
    "MATCH": lambda wanted, cells, kind: cells.index(wanted) + 1 if kind == 0 else None,
}
