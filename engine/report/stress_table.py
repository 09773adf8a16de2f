"""Tables of a stress test's workbook: columns of values and formulas, with their sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.report.stress_layout import from_inputs
from engine.report.workbook import Book, Cell, Form, Number, Role, Sheet, block, head, place

GRID = {"visible": True, "line": {"color": "#D9D9D9"}}


@dataclass(frozen=True)
class Field:
    """One column of a table: what stands in each of its rows."""

    key: str  # by which formulas of the same row call it
    head: str
    form: Form
    values: Sequence[Number | str | None]
    formulas: Sequence[str | None] = ()  # with keys in braces for cells of the same row; none: values stand as they are
    is_run: bool = False  # whether it is a value of this run, which follows nothing
    adds_up: bool = False

    @property
    def total(self) -> float:
        """The sum of its numbers."""
        return float(sum(value for value in self.values if isinstance(value, int | float)))


def each(values: Sequence[Number | str | None], formula: str) -> tuple[str | None, ...]:
    """The same formula for each value that is known."""
    return tuple(None if value is None else formula for value in values)


def write_table(sheet: Sheet, at: Cell, fields: Sequence[Field], tall: Number = 34, totals: Sequence[int] = ()) -> int:
    """Write a table; the row after it.

    Args:
        sheet: On which.
        at: The cell of its first header.
        fields: Its columns; where any of them adds up, a last row holds the sums.
        tall: Height of the header [points].
        totals: Numbers of the rows that stand for those above them.
    """
    row, column = at
    count = len(fields[0].values)
    sheet.page.set_row(row, tall)
    for number, field in enumerate(fields, column):
        sheet.text((row, number), field.head, head(field.form == "text", field.is_run))
    for line in range(count):
        cells = {field.key: place((row + 1 + line, column + at), fixed=False) for at, field in enumerate(fields)}
        role: Role = "total" if line in totals else "figure"
        for number, field in enumerate(fields, column):
            value, formula = field.values[line], field.formulas[line] if field.formulas else None
            _write(sheet, (row + 1 + line, number), (value, field.form, role), formula and formula.format_map(cells))
    if any(field.adds_up for field in fields):
        _write_sums(sheet, (row + 1, column), fields, count)
        count += 1
    return row + 1 + count


def _write(sheet: Sheet, cell: Cell, told: tuple[Number | str | None, Form, Role], formula: str | None) -> None:
    value, form, role = told
    if formula and value is not None:
        sheet.formula(cell, formula, value, form, role)
    elif isinstance(value, str):
        sheet.text(cell, value, role)
    else:
        sheet.number(cell, value, form, role)


def _write_sums(sheet: Sheet, first: Cell, fields: Sequence[Field], count: int) -> None:
    row, column = first[0] + count, first[1]
    for number, field in enumerate(fields, column):
        if field.adds_up:
            cells = block((first[0], number), (row - 1, number))
            sheet.formula((row, number), f"SUM({cells})", field.total, field.form, "total")
        else:
            sheet.text((row, number), "Total" if number == column else "", "total")


def cells_of(fields: Sequence[Field], key: str, at: Cell, sheet: str) -> str:
    """What formulas of other sheets call all values of a column, of the table whose first header stands at a cell."""
    column = at[1] + [field.key for field in fields].index(key)
    return block((at[0] + 1, column), (at[0] + len(fields[0].values), column), sheet)


def chart_of(book: Book, kind: dict[str, str], title: str, unit: Cell) -> Any:
    """A chart in the look of all others, whose axis of figures is named by the unit of a term of the inputs."""
    chart = book.book.add_chart(kind)
    chart.set_title({"name": title, "name_font": {"size": 11}})
    named = {"name": f"={from_inputs((unit[0], unit[1] + 1))}", "name_font": {"size": 9, "bold": False}}
    figures = {"num_format": "#,##0", "major_gridlines": GRID, **named}
    names: dict[str, Any] = {"label_position": "low", "major_gridlines": {"visible": False}}
    if kind["type"] == "bar":
        chart.set_x_axis(figures)
        chart.set_y_axis({**names, "reverse": True})
    else:
        chart.set_x_axis(names)
        chart.set_y_axis(figures)
    chart.set_legend({"position": "bottom"})
    return chart
