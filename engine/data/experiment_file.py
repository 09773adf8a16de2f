"""A table of experiments, one a row, into the records that `model.toml` takes: every cell is read strictly."""

import difflib
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from engine.config.experiments import Experiment
from engine.config.loading import Closed, build
from engine.config.model import Data
from engine.data.cells import Style, numbers, style_of
from engine.data.opening import open_table
from engine.data.table import Header, Table, refuse, shown, untamed
from engine.data.timeline import day_of
from engine.errors import InputError
from engine.files import read_bytes

NEEDED = ("name", "channel", "start", "end", "spend_change", "outcome_change", "standard_error")
ALLOWED = ("until", "geos", "share", "in_history")
LARGEST = 4_000_000  # bytes: tens of thousands of tests
_TRUTHS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
_BETWEEN = re.compile(r"(?<=[0-9.,])\s*\+")  # two amounts; the plus of 1e+5 or of +5 is part of a number


class Told(NamedTuple):
    """An experiment and where it is written, as messages name it."""

    place: str
    experiment: Experiment


def read_experiments(path: Path, data: Data, channels: Collection[str]) -> tuple[Told, ...]:
    """Each row of a table of experiments.

    Several channels tested at once are written `tv+radio`, their changes `1000+2000`; geos are separated by
    `;`. Numbers, dates and the encoding are written as in the table of history, or plainly (dates as 2024-01-31).

    Args:
        path: CSV, TSV, XLSX or Parquet.
        data: How the table of history is written.
        channels: Names of the model, by which a name with a plus in it is known.

    Raises:
        InputError: With file, line, column, what is wrong and what to do.
        StorageError: The system would not read the file.
    """
    wanted = dict.fromkeys(NEEDED, "[experiments]: every test has it")
    plain = data.model_copy(update={"delimiter": None, "sheet": None})
    table = open_table(read_bytes(path, LARGEST), path, plain, Header(wanted, (), drop_unnamed=False))
    _require_known_columns(table)
    told, faults = [], []
    for row in range(len(table.lines)):
        place = f"{path}, {table.unit} {table.lines[row]}"
        try:
            told.append(Told(place, _experiment(_Row(table, row, data), channels, place)))
        except InputError as fault:
            faults.append(str(fault))
    if faults:
        refuse(faults)
    return tuple(told)


def _require_known_columns(table: Table) -> None:
    known = (*NEEDED, *ALLOWED)
    for column in table.columns:
        if column not in known:
            close = difflib.get_close_matches(column, known, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}; remove it"
            raise InputError(f"{table.place}: column {shown(column)} means nothing in a table of experiments; {remedy}")


class _Line(Closed):
    """One row, so that messages say of which test they speak."""

    test: Experiment


class _Row(NamedTuple):
    """One row of the table, and how its cells are written."""

    table: Table
    at: int
    data: Data

    def text(self, column: str) -> str:
        """A cell; nothing where the table has no such column."""
        texts = self.table.columns.get(column)
        return untamed(texts[self.at]).strip() if texts else ""

    def refused(self, column: str, reason: str) -> InputError:
        """The error that a cell causes."""
        return InputError(f"{self.table.at(self.at, column)}: {reason}")

    def amounts(self, column: str, texts: list[str]) -> tuple[float, ...]:
        """The numbers of a cell."""
        style = replace(style_of(self.data, self.table), blank="never")
        lines = [self.table.lines[self.at]] * len(texts)
        part = Table(self.table.place, self.table.unit, lines, {column: texts}, self.table.typed)
        found, _, faults = numbers(part, column, style)
        if faults and style != _PLAIN:
            found, _, again = numbers(part, column, _PLAIN)
            faults = faults if again else []
        if faults:
            raise InputError(faults[0])
        return tuple(float(number) for number in found)

    def day(self, column: str) -> date:
        """The date of a cell."""
        text = self.text(column)
        day = day_of(text, None) or day_of(text, self.data.date_format)
        if day is None:
            what = f"{shown(text)} is not a date" if text else "the date is blank"
            raise self.refused(column, f"{what}; write YYYY-MM-DD")
        return day


_PLAIN = Style(blank="never")  # what programs write, whatever the customer's own table looks like


def _experiment(row: _Row, channels: Collection[str], place: str) -> Experiment:
    named = row.text("channel")
    several = (named,) if named in channels else tuple(part.strip() for part in named.split("+"))
    change = row.text("spend_change")
    content: dict[str, Any] = {
        "name": row.text("name"),
        "channels": several,
        "start": row.day("start"),
        "end": row.day("end"),
        "spend_change": row.amounts("spend_change", _BETWEEN.split(change) if len(several) > 1 else [change]),
        "outcome_change": row.amounts("outcome_change", [row.text("outcome_change")])[0],
        "standard_error": row.amounts("standard_error", [row.text("standard_error")])[0],
        "geos": tuple(part.strip() for part in row.text("geos").split(";") if part.strip()),
        "in_history": _truth(row),
    }
    if row.text("until"):
        content["until"] = row.day("until")
    if row.text("share"):
        content["share"] = row.amounts("share", [row.text("share")])[0]
    return build({"test": content}, _Line, place).test


def _truth(row: _Row) -> bool:
    text = row.text("in_history").casefold()
    if text not in _TRUTHS:
        raise row.refused("in_history", f"{shown(text)} is neither yes nor no; write one of them")
    return _TRUTHS[text]
