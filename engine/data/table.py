"""Table: columns of text that know the line of each cell, and the one way to refuse them."""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import compress
from typing import NoReturn

from engine.config.lookalike import look
from engine.errors import InputError

MOST_FAULTS = 10  # told in one message: enough to correct several at once, few enough to read
MOST_ALIKE = 3  # of one kind in one column: the pattern is clear by then
HEADER_WITHIN = 30  # rows in which a header is looked for that does not come first
MOST_CELLS = 30_000_000  # of one table: as text they take about 2 GB
_RUNS_AS_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Table:
    """Columns of text, all of one length, and where their rows stand in the file."""

    place: str  # the file, as messages name it
    unit: str  # what a row is counted in: "line" of a text file, "row" of a workbook
    lines: Sequence[int]  # of each row, counted from 1
    columns: Mapping[str, Sequence[str]]
    typed: bool  # numbers were numbers in the file, so no declared number format touches them

    def at(self, row: int, column: str) -> str:
        """Where a cell stands, for the beginning of a message."""
        return f"{self.place}, {self.unit} {self.lines[row]}, column {shown(column)}"

    def only(self, keep: Sequence[bool]) -> "Table":
        """The rows for which `keep` is true."""
        columns = {name: list(compress(texts, keep)) for name, texts in self.columns.items()}
        return Table(self.place, self.unit, list(compress(self.lines, keep)), columns, self.typed)


def shown(text: str) -> str:
    """A text from a file as a message quotes it: short, on one line, control characters made visible.

    >>> print(shown("tv\\x1b[2J"))
    'tv\\x1b[2J'
    """
    return repr(text if len(text) <= 60 else text[:57] + "...")


def refuse(faults: Sequence[str], more: int = 0) -> NoReturn:
    """Raise the first faults as one error; `more` counts those that were not even written down."""
    told = list(faults[:MOST_FAULTS])
    rest = len(faults) - len(told) + max(more, 0)
    raise InputError("\n".join([*told, *([f"... and {rest} more like these"] if rest else [])]))


def tamed(text: str) -> str:
    """A text that no spreadsheet takes for a formula; `untamed` gives the text back.

    >>> print(tamed("=1+1"), tamed("'=1+1"), tamed("tv"))
    '=1+1 ''=1+1 tv
    """
    return "'" + text if _RUNS_AS_FORMULA.match(text) else text


def untamed(text: str) -> str:
    """The text that `tamed` wrote, and any other text as it is."""
    return text[1:] if text.startswith("'") and _RUNS_AS_FORMULA.match(text) else text


def plain_text(value: object) -> str:
    """A typed cell as unambiguous text: 2024-01-31, 1234.5, TRUE, or the text itself; nothing is blank.

    >>> plain_text(12.0), plain_text(datetime(2024, 1, 31)), plain_text(None)
    ('12', '2024-01-31', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True)
class Header:
    """What the model file says about the columns of a table."""

    wanted: Mapping[str, str]  # column: the field of the model file that names it
    ignored: Collection[str]
    drop_unnamed: bool


def named_columns(place: str, names: Sequence[str], header: Header, is_empty: Callable[[int], bool]) -> dict[str, int]:
    """The position of each column that may be used; `is_empty` tells whether a column has no text at all.

    Raises:
        InputError: A name is empty, stands twice, or looks like another one that the model file names.
    """
    for position, name in enumerate(names):
        if not name.strip() and not header.drop_unnamed:
            _refuse_unnamed(place, position, is_empty(position))
    kept = {untamed(name): at for at, name in enumerate(names) if name.strip() and untamed(name) not in header.ignored}
    counts = Counter(untamed(name) for name in names if name.strip())
    for name in kept:
        if counts[name] > 1:
            where = [str(at + 1) for at, other in enumerate(names) if untamed(other) == name]
            raise InputError(
                f"{place}: the header {shown(name)} stands twice (columns {' and '.join(where)}: a duplicate); "
                f"rename one of them, or declare ignore = [{shown(name)}] under [data] if neither is needed"
            )
    _refuse_twins(place, kept, header)
    for column in header.wanted:
        if column not in kept:
            raise InputError(_missing(place, column, header, list(kept)))
    return kept


def require_header_first(place: str, unit: str, rows: Sequence[tuple[int, Sequence[str]]], header: Header) -> None:
    """Refuse a table with titles above its header, and say where the header stands."""
    wanted = set(header.wanted)
    if wanted & set(rows[0][1]):
        return
    for number, cells in rows[1:HEADER_WITHIN]:
        if 2 * len(wanted & set(cells)) > len(wanted):
            raise InputError(
                f"{place}, {unit} {rows[0][0]}: not the header, which is {unit} {number}; delete what is above it"
            )


def _refuse_unnamed(place: str, position: int, is_empty: bool) -> NoReturn:
    cause = (
        "and no cells: the lines end with one separator too many; remove it"
        if is_empty
        else "but its cells are filled; give it a name"
    )
    raise InputError(
        f'{place}: column {position + 1} has an empty header {cause}, or declare unnamed = "drop" under [data]'
    )


def _refuse_twins(place: str, kept: Collection[str], header: Header) -> None:
    by_look: dict[str, str] = {}
    for name in kept:
        twin = by_look.setdefault(look(name), name)
        if twin != name and (twin in header.wanted or name in header.wanted):
            raise InputError(
                f"{place}: the headers {shown(twin)} and {shown(name)} look alike{_difference(twin, name)}, so one may "
                f"be taken for the other; rename one, or name the one to leave out under [data] in ignore = [...]"
            )


def _difference(one: str, other: str) -> str:
    if one.strip() == other.strip():
        return " (they differ by spaces around the name)"
    if one.casefold() == other.casefold():
        return " (they differ by capital letters)"
    odd = next((letter for letter in one + other if ord(letter) > 127), "")
    return f" (letter {odd!a} of another alphabet)" if odd else ""


def _missing(place: str, column: str, header: Header, present: list[str]) -> str:
    field = header.wanted[column]
    twin = next((name for name in present if look(name) == look(column)), None)
    if column in header.ignored:
        hint = "it stands in ignore as well; remove it there"
    elif twin is not None:
        hint = f"the file has {twin!a}, which looks the same{_difference(twin, column)}; write it the same in both"
    else:
        close = difflib.get_close_matches(column, present, n=1)
        listed = ", ".join(shown(name) for name in present[:12]) + (", ..." if len(present) > 12 else "")
        meant = f"did you mean {shown(close[0])}? " if close else ""
        hint = f"{meant}the file has {listed}; correct the name in the model file or in the header"
    return f"{place}: no column {shown(column)}, which the model file names at {field}; {hint}"
