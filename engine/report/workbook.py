"""What every workbook shares: one look, text that stays text, numbers that are finite, formulas with their values.

Text is never taken for a formula, a number or a link. A formula carries the value that the engine found, so that a
reader who does not calculate sees it too, and a spreadsheet calculates anew when it opens the file.
"""

import importlib
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from engine.files import write_bytes
from engine.words import plain

Form = Literal["text", "amount", "fine", "cents", "share", "rate", "factor", "years", "count", "flag"]
Role = Literal[
    "figure", "input", "total", "head", "heads", "run head", "run heads", "title", "note", "remark", "strong", "beware"
]
Number = int | float
Cell = tuple[int, int]
"""Row and column, counted from 0."""

LONGEST = 255  # letters of a name: functions that look for text take no more
LONGEST_TEXT = 16_000  # letters of a sentence: a cell holds 32,767 halves of letters
BORN = datetime(1980, 1, 1)  # of every workbook, so that the same answer is the same bytes
WIDEST = 100.0  # letters of a column
_FORMS = {
    "text": "General",
    "amount": "#,##0",
    "fine": "#,##0.00",
    "cents": "#,##0.00",
    "share": "0.0%",
    "rate": "0.00%",
    "factor": "0.0000",
    "years": "0.000",
    "count": "0",
    "flag": "General",
}
_HEAD = {"bold": True, "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"}
_LIVE, _OF_RUN, _OF_FIGURES = {"bg_color": "#1F3A5F"}, {"bg_color": "#7F7F7F"}, {"align": "right"}
_LOOKS: dict[Role, dict[str, Any]] = {
    "figure": {},
    "input": {"font_color": "#0000FF", "bg_color": "#E8F1FB", "border": 1, "border_color": "#B8CCE4"},
    "total": {"bold": True, "top": 1},
    "head": {**_HEAD, **_LIVE},
    "heads": {**_HEAD, **_LIVE, **_OF_FIGURES},
    "run head": {**_HEAD, **_OF_RUN},
    "run heads": {**_HEAD, **_OF_RUN, **_OF_FIGURES},
    "title": {"bold": True, "font_size": 14, "font_color": "#1F3A5F"},
    "note": {"italic": True, "font_color": "#595959", "text_wrap": True, "valign": "top"},
    "remark": {"italic": True, "font_color": "#595959"},
    "strong": {"bold": True, "text_wrap": True, "valign": "top"},
    "beware": {"bold": True, "font_color": "#9A3412", "text_wrap": True, "valign": "top"},
}
_OBEYED = ("=", "+", "-", "@", "'")  # first letters for which typing into a cell again would make it something else


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    page: Any
    formats: Mapping[tuple[str, str, bool], Any]

    def text(self, cell: Cell, text: str, role: Role = "figure", longest: int = LONGEST) -> None:
        """Write text that stays text, and no more of it than a cell holds."""
        told = short(text, longest)
        self.page.write_string(*cell, told, self.formats["text", role, told.startswith(_OBEYED)])

    def number(self, cell: Cell, value: Number | None, form: Form, role: Role = "figure") -> None:
        """Write a number; one that is not known or not finite leaves the cell empty."""
        look = self.formats[form, role, False]
        if value is None or not math.isfinite(value):
            self.page.write_blank(*cell, None, look)
        else:
            self.page.write_number(*cell, float(value), look)

    def formula(self, cell: Cell, formula: str, value: Number | str, form: Form, role: Role = "figure") -> None:
        """Write a formula with the value that it has now."""
        known: float | str | bool = value
        if isinstance(value, float) and not math.isfinite(value):
            known = ""
        if isinstance(value, str):
            known = short(value, LONGEST)
        self.page.write_formula(*cell, f"={formula}", self.formats[form, role, False], known)

    def array(self, cell: Cell, formula: str, value: Number, form: Form, role: Role = "figure") -> None:
        """Write a formula that reckons with whole tables, with the value that it has now."""
        self.page.write_array_formula(*cell, *cell, f"{{={formula}}}", self.formats[form, role, False], value)

    def column(self, cell: Cell, values: Sequence[Number]) -> None:
        """Write numbers below each other, as they are."""
        self.page.write_column(*cell, values)

    def heads(self, cell: Cell, names: Iterable[str], texts: int = 1, tall: Number = 34, is_run: bool = False) -> None:
        """Write the header of a table, of which the first columns hold text and all others figures.

        Args:
            cell: The first one.
            names: Of the columns.
            texts: Columns that hold text.
            tall: Height of the row [points].
            is_run: Whether the figures are those of this run, which follow nothing.
        """
        row, column = cell
        self.page.set_row(row, tall)
        for at, name in enumerate(names):
            self.text((row, column + at), name, head(at < texts, is_run))

    def wide(self, first: int, widths: Sequence[Number]) -> None:
        """Set the widths of columns [letters]."""
        for at, width in enumerate(widths):
            self.page.set_column(first + at, first + at, min(width, WIDEST))

    def paragraph(self, cells: tuple[Cell, Cell], text: str, role: Role = "note") -> None:
        """Write a sentence over several cells of a row."""
        (row, left), (_, right) = cells
        look = self.formats["text", role, False]
        self.page.merge_range(row, left, row, right, "", look)
        self.text((row, left), text, role, LONGEST_TEXT)


@dataclass(frozen=True)
class Book:
    """A workbook that is being written."""

    book: Any
    out: io.BytesIO
    formats: Mapping[tuple[str, str, bool], Any]

    def sheet(self, name: str, keep: Cell = (0, 0), is_one_page: bool = False) -> Sheet:
        """A new sheet.

        Args:
            name: Its name, one of ours.
            keep: First row and column that move when one scrolls; the row before them is printed on each page.
            is_one_page: Whether it is printed on a single page; else on one page's width, as long as it gets.
        """
        page = self.book.add_worksheet(name)
        page.hide_gridlines(2)
        page.set_landscape()
        page.set_paper(9)
        page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        page.fit_to_pages(1, 1 if is_one_page else 0)
        page.set_footer("&L&A&RPage &P of &N")
        if keep != (0, 0):
            page.freeze_panes(*keep)
        if keep != (0, 0) and not is_one_page:
            page.repeat_rows(keep[0] - 1)
        return Sheet(name, page, self.formats)


def head(is_text: bool, is_run: bool) -> Role:
    """The look of the header of a column: dark above what follows the inputs, grey above figures of this run."""
    if is_run:
        return "run head" if is_text else "run heads"
    return "head" if is_text else "heads"


def opened() -> Book:
    """A new workbook in memory."""
    out = io.BytesIO()
    # Loaded here and not above: only workbooks need it, and it would slow down every other start.
    book = importlib.import_module("xlsxwriter").Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": {"font_name": "Calibri", "font_size": 10},
        },
    )
    book.set_properties({"created": BORN})
    beside: dict[str, Any] = {"indent": 1}  # text stands off the figures to its left
    formats: dict[tuple[str, str, bool], Any] = {
        (form, role, quoted): book.add_format(
            {
                **_LOOKS[role],
                **(beside if form == "text" and role in ("figure", "head", "run head") else {}),
                "num_format": shape,
                "quote_prefix": quoted,
            }
        )
        for form, shape in _FORMS.items()
        for role in _LOOKS
        for quoted in (False, True)
    }
    return Book(book, out, formats)


def save(book: Book, path: Path) -> None:
    """Write the workbook, whole or not at all.

    Raises:
        StorageError: The folder cannot be written or the disk is full.
    """
    book.book.close()
    write_bytes(path, book.out.getvalue())


def short(text: str, longest: int) -> str:
    """Text with everything made visible that is not, and no longer than so many letters.

    >>> short("tv\\x07 and radio", 12)
    'tv\\\\x07 and…'
    """
    told = plain(text)
    return told if len(told) <= longest else told[: longest - 1].rstrip() + "…"


def place(cell: Cell, sheet: Sheet | str = "", fixed: bool = True) -> str:
    """What a formula calls a cell.

    >>> place((4, 27)), place((0, 1), "By quarter"), place((4, 0), fixed=False)
    ('$AB$5', "'By quarter'!$B$1", 'A5')
    """
    row, column = cell
    letters, left = "", column + 1
    while left:
        left, digit = divmod(left - 1, 26)
        letters = chr(ord("A") + digit) + letters
    dollar = "$" if fixed else ""
    name = sheet.name if isinstance(sheet, Sheet) else sheet
    return (f"'{name}'!" if name else "") + f"{dollar}{letters}{dollar}{row + 1}"


def block(first: Cell, last: Cell, sheet: Sheet | str = "") -> str:
    """What a formula calls all cells from one to another.

    >>> block((1, 0), (3, 0), "Inputs")
    "'Inputs'!$A$2:$A$4"
    """
    return f"{place(first, sheet)}:{place(last)}"
