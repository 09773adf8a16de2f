"""XLSX into a Table: the values as stored, every row with its number in the sheet."""

import importlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from engine.config.model import Data
from engine.data.table import (
    HEADER_WITHIN,
    MOST_CELLS,
    Header,
    Table,
    named_columns,
    plain_text,
    require_header_first,
    shown,
)
from engine.errors import InputError

LARGEST_UNPACKED = 1_000_000_000  # bytes: a workbook is a zip archive and may unpack to anything


def read_workbook(raw: bytes, path: Path, data: Data, header: Header) -> Table:
    """The named columns of one sheet; formulas count with the value that the spreadsheet last stored.

    Raises:
        InputError: It is no workbook, the sheet is not clear, or the header is wrong.
    """
    place = str(path)
    rows = _rows(raw, place, data.sheet)
    filled = [(number, row) for number, row in rows if any(cell is not None for cell in row)]
    if not filled:
        raise InputError(f"{place}: the sheet is empty; choose another with sheet = ... under [data]")
    width = max(len(row) for _, row in filled)
    head = [(number, [plain_text(cell) for cell in row]) for number, row in filled[:HEADER_WITHIN]]
    require_header_first(place, "row", head, header)
    names = [plain_text(cell) for cell in _padded(filled[0][1], width)]
    cells = [[plain_text(cell) for cell in _padded(row, width)] for _, row in filled[1:]]
    columns: list[tuple[str, ...]] = list(zip(*cells, strict=True)) if cells else [()] * width
    while names and not names[-1] and not any(columns[-1]):
        names.pop()
        columns.pop()
    kept = named_columns(place, names, header, lambda position: not any(columns[position]))
    if not cells:
        raise InputError(f"{place}: no rows below the header; fill the sheet or choose another")
    lines = [number for number, _ in filled[1:]]
    return Table(place, "row", lines, {name: columns[at] for name, at in kept.items()}, typed=True)


def _rows(raw: bytes, place: str, sheet: str | None) -> list[tuple[int, Sequence[Any]]]:
    # Loaded here and not above: only workbooks need it, and it would slow down every other start.
    openpyxl = importlib.import_module("openpyxl")
    if not raw.startswith(b"PK"):
        raise InputError(f"{place}: is no workbook (not a zip archive); save it again, or if it is text name it .csv")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST_UNPACKED:
                raise InputError(f"{place}: unpacks to more than {LARGEST_UNPACKED / 1e6:.0f} MB; export it as CSV")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        page = book[_sheet(place, list(book.sheetnames), sheet)]
        if not _holds_cells(page):
            raise InputError(f"{place}: sheet {shown(page.title)} is a chart; choose another with sheet = ...")
        page.reset_dimensions()  # a file may claim any size; only cells that are there count
        return _limited(place, page)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, ParseError, OSError, EOFError) as fault:
        raise InputError(
            f"{place}: not a workbook that can be read ({type(fault).__name__}); save it again as .xlsx, or as CSV"
        ) from None


def _holds_cells(page: Any) -> bool:
    """Whether a sheet holds cells (a chart sheet does not)."""
    return type(page).__name__ != "Chartsheet"


def _limited(place: str, page: Any) -> list[tuple[int, Sequence[Any]]]:
    rows, cells = [], 0
    for number, row in enumerate(page.iter_rows(values_only=True), start=1):
        cells += len(row)
        if cells > MOST_CELLS:
            raise InputError(f"{place}: more than {MOST_CELLS} cells; add the rows up to weeks first")
        rows.append((number, row))
    return rows


def _sheet(place: str, names: list[str], sheet: str | None) -> str:
    listed = ", ".join(shown(name) for name in names[:10])
    if sheet is None and len(names) > 1:
        raise InputError(f"{place}: {len(names)} sheets ({listed}); say which with sheet = ... under [data]")
    if sheet is not None and sheet not in names:
        raise InputError(f"{place}: no sheet {shown(sheet)}; the workbook has {listed}; correct sheet under [data]")
    return sheet or names[0]


def _padded(row: Sequence[Any], width: int) -> list[Any]:
    return [*row, *[None] * (width - len(row))]
