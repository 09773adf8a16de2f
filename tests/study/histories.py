"""A small history as two files, for tests that go from files to files."""

import csv
from datetime import date
from pathlib import Path

import numpy as np

from engine.periods import Period, starts

MODEL = """
[data]
date = "week"
outcome = "sales"
currency = "EUR"
[channels.tv]
kind = "paid"
spend = "tv"
[channels.blog]
kind = "owned"
spend = "blog"
"""
FIRST = date(2023, 1, 2)


def write_history(
    folder: Path, name: str, weeks: int, restated: float = 0.0, skipped: int = 0, grain: Period = "week"
) -> Path:
    """A table of the first `weeks` of one history, without the first `skipped`; its first sale may be restated."""
    random = np.random.default_rng(11)
    spend = random.lognormal(4.0, 0.7, (200, 2)) * (random.random((200, 2)) < 0.7)
    season = 60 * np.sin(2 * np.pi * np.arange(200) / 52.1775)
    sales = (
        1000 + season + 300 * spend[:, 0] / (spend[:, 0] + 80) + 1.0 * spend[:, 1] + 15 * random.standard_normal(200)
    )
    sales[skipped] += restated
    table = folder / name
    with table.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["week", "sales", "tv", "blog"])
        for row, day in enumerate(starts(FIRST, weeks, grain)):
            if row >= skipped:
                writer.writerow([day.isoformat(), sales[row], *spend[row]])
    return table


def write_model(folder: Path, name: str, previous: str = "", text: str = MODEL) -> Path:
    """A model file of that table, upon an earlier fit if one is named."""
    path = folder / name
    path.write_text(text + (f'[previous]\nfit = "{previous}"\n' if previous else ""))
    return path
