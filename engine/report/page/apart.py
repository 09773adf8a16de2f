"""Charts and tables of a page as files of their own."""

import re
from collections.abc import Iterable
from pathlib import Path

from engine.files import write_bytes, write_csv, write_text
from engine.report.page.cells import NOTHING
from engine.report.page.records import Cell, Figure, Page, Table, figures_of, tables_of
from engine.report.render import pdf, png, svg
from engine.report.rounding import UNBROKEN

FORMS = (".svg", ".png", ".pdf")


def names_of(page: Page) -> tuple[str, ...]:
    """The files of a page's charts and tables."""
    charts = [f"{figure.name}{form}" for figure in figures_of(page) for form in FORMS]
    return (*charts, *(f"{table.name}.csv" for table in tables_of(page)))


def write_apart(folder: Path, page: Page) -> None:
    """Write each chart as SVG, PNG and PDF, and each table as CSV.

    Raises:
        StorageError: The folder cannot be written.
    """
    for figure in figures_of(page):
        _write_chart(folder, figure)
    for table in tables_of(page):
        write_csv(folder / f"{table.name}.csv", tuple(map(whole, table.header)), csv_rows(table))


def _write_chart(folder: Path, figure: Figure) -> None:
    write_text(folder / f"{figure.name}.svg", svg(figure.spec))
    write_bytes(folder / f"{figure.name}.png", png(figure.spec))
    write_bytes(folder / f"{figure.name}.pdf", pdf(figure.spec))


def csv_rows(table: Table) -> Iterable[list[str | float]]:
    """The rows of a table with exact numbers, its total last; where a page shows a dash, nothing."""
    every = (*table.rows, table.total) if table.total else table.rows
    return [[_cell(name), *("" if cell == NOTHING else _cell(cell) for cell in cells)] for name, *cells in every]


def _cell(cell: Cell) -> str | float:
    return spaced(cell.text) if cell.value is None else cell.value


def whole(head: str) -> str:
    """A heading without the thousands or millions that the page counts in: files hold whole amounts.

    >>> whole(f"Plan (EUR{UNBROKEN}k)"), whole("People (m)"), whole("Return")
    ('Plan (EUR)', 'People', 'Return')
    """
    return spaced(re.sub(r" \((k|m|bn)\)$", "", re.sub(rf"{UNBROKEN}(k|m|bn)\)$", ")", head)))


def spaced(text: str) -> str:
    """A text with plain spaces, which is what people look for in a table."""
    return text.replace(UNBROKEN, " ")
