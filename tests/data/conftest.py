"""A small good table, ways to spoil it, and its model."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.config.loading import parse
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.data.read import read_dataset

TODAY = date(2025, 1, 1)
WEEKS = [date(2024, 1, 1) + timedelta(7 * week) for week in range(12)]
ROWS = [[str(day), f"{100 + 7 * k % 31}", f"{50 + 11 * k % 23}", f"{1000 + 13 * k}"] for k, day in enumerate(WEEKS)]
CHANNELS = '[channels.tv]\nkind = "paid"\nspend = "tv"\n[channels.pr]\nkind = "earned"\nspend = "pr"\n'


def table(rows=None, header="date,tv,pr,sales", separator=","):
    lines = [header.replace(",", separator), *(separator.join(row) for row in (ROWS if rows is None else rows))]
    return "\n".join(lines) + "\n"


def swapped(row, column, text):
    """The good table with one other cell; row 0 stands on line 2."""
    rows = [list(cells) for cells in ROWS]
    rows[row][column] = text
    return table(rows)


def dated(label):
    """The good table with its dates written by `label(date)`."""
    return table([[label(day), *cells[1:]] for day, cells in zip(WEEKS, ROWS, strict=True)])


def monthly(label):
    """The good table with a month in each row, written by `label(first day)`."""
    return table([[label(date(2023, month + 1, 1)), *cells[1:]] for month, cells in enumerate(ROWS)])


def regional(rows=None):
    """The good table for two regions."""
    return table([[name, *cells] for name in ("north", "south") for cells in (rows or ROWS)], "region,date,tv,pr,sales")


def read(folder: Path, content, declared="", rest=CHANNELS, name="data.csv") -> Dataset:
    """The content, if any, written to a file and read with what is declared under [data]."""
    path = folder / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = "" if "kpi" in declared else 'outcome = "sales"'
    model = parse(f'[data]\ndate = "date"\n{outcome}\n{declared}\n{rest}', Model, "model.toml")
    return read_dataset(path, model, folder / "model.toml", TODAY)


@pytest.fixture
def tables():
    """Makers of small tables."""
    return SimpleNamespace(
        table=table,
        swapped=swapped,
        dated=dated,
        monthly=monthly,
        regional=regional,
        read=read,
        rows=ROWS,
        weeks=WEEKS,
        channels=CHANNELS,
    )
