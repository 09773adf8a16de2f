"""CSV and TSV into a Table: everything stays text, every row keeps its line number."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.config.model import Data
from engine.data.source import text_of
from engine.data.table import (
    HEADER_WITHIN,
    MOST_ALIKE,
    MOST_CELLS,
    Header,
    Table,
    named_columns,
    refuse,
    require_header_first,
    shown,
)
from engine.errors import InputError

SEPARATORS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LONGEST_FIELD = 131_072  # characters, the limit of the csv module: far above any cell of a table of numbers


def read_delimited(raw: bytes, path: Path, data: Data, header: Header) -> Table:
    """The named columns of a CSV or TSV file, as text.

    Lines may end in LF, CR LF or CR. Empty lines are passed over; a line of separators only is not empty.

    Raises:
        InputError: The encoding, the header, a quote or the number of cells in a line is wrong.
    """
    place = str(path)
    text = text_of(raw, place, data.encoding)
    separator = data.delimiter or _found_separator(text, header)
    records = [record for record in _records(text, separator, place) if record[1]]
    names = records[0][1]
    _require_plain_first_line(place, names)
    require_header_first(place, "line", records[:HEADER_WITHIN], header)
    cells = [record[1] for record in records[1:]]

    def is_empty(position: int) -> bool:
        return not any(row[position].strip() for row in cells if len(row) > position)

    kept = named_columns(place, names, header, is_empty)
    if not cells:
        raise InputError(f"{place}: no rows below the header; export the table again")
    lines = [record[0] for record in records[1:]]
    _require_width(place, lines, cells, len(names), separator)
    if len(cells) * len(names) > MOST_CELLS:
        raise InputError(f"{place}: {len(cells)} lines of {len(names)} cells are too many; add them up to weeks first")
    columns = list(zip(*cells, strict=True))
    return Table(place, "line", lines, {name: columns[at] for name, at in kept.items()}, typed=False)


def _found_separator(text: str, header: Header) -> str:
    """The separator under which the first line holds most of the columns that the model file names."""

    def score(separator: str) -> tuple[int, int]:
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
        except csv.Error:
            return (0, 0)
        return len(set(header.wanted) & {name.strip() for name in names}), len(names)

    return max(SEPARATORS, key=score)


def _records(text: str, separator: str, place: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise InputError(_quote_fault(place, start, reader.line_num, str(fault))) from None
        yield start, record
        start = reader.line_num + 1


def _quote_fault(place: str, start: int, end: int, fault: str) -> str:
    if "field limit" in fault:
        return f'{place}, line {start}: a cell of more than {_LONGEST_FIELD:,} characters, or a quote (") never closed'
    if "unexpected end" in fault:
        return f'{place}, line {start}: a quote (") is opened and never closed; close it, or remove it'
    if "expected after" in fault:
        return f'{place}, line {end}: text follows a closing quote ("); double the quotes inside a quoted text'
    return f"{place}, line {end}: not a readable line ({fault}); export the table again"


def _require_plain_first_line(place: str, names: Sequence[str]) -> None:
    if names[0].casefold().startswith("sep="):
        raise InputError(
            f"{place}, line 1: {shown(names[0])} is a hint for a spreadsheet, not a header; delete the line"
        )


def _require_width(
    place: str, lines: Sequence[int], cells: Sequence[Sequence[str]], width: int, separator: str
) -> None:
    faults: list[str] = []
    more = 0
    for line, row in zip(lines, cells, strict=True):
        if len(row) == width:
            continue
        if len(faults) < MOST_ALIKE:
            faults.append(_width_fault(f"{place}, line {line}", row, width, separator))
        else:
            more += 1
    if faults:
        refuse(faults, more)


def _width_fault(where: str, row: Sequence[str], width: int, separator: str) -> str:
    name = _NAMES[separator]
    if len(row) < width:
        remedy = "add the missing cells; if the line was cut off, export the table again"
    else:
        remedy = f"remove the extra ones, or put texts and numbers that contain a {name} in quotes"
    return f"{where}: {len(row)} cells where the header has {width} (separated by {name}); {remedy}"
