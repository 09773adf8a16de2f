"""A Dataset by longer periods: money and outcome add up, controls and events are averaged."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.data.values import in_money
from engine.errors import InputError
from engine.periods import Period, step

Coarse = Literal["week", "month", "quarter"]
_FITS: dict[Period, tuple[Coarse, ...]] = {"day": ("week", "month", "quarter"), "month": ("quarter",)}


def aggregated(dataset: Dataset, period: Coarse, place: str) -> Dataset:
    """The same history by `period`: weeks from Monday to Sunday, months and quarters of the calendar.

    A first or last period that is not whole is left out, and `notes` says so. Outcome, spend and driver
    are sums; controls are means; an event has the share of its days.

    Raises:
        InputError: The shorter periods do not fit into the longer ones, or no whole one is left.
    """
    if period == dataset.period:
        return dataset
    if period not in _FITS.get(dataset.period, ()):
        raise InputError(
            f'{place}: rows by {dataset.period} do not add up to whole periods of aggregate = "{period}"; '
            f"remove aggregate from the model file"
        )
    starts, first_rows, counts, notes = _bins(dataset, period)
    if not starts:
        raise InputError(
            f"{place}: no whole {period} between {dataset.starts[0]} and {dataset.starts[-1]}; remove aggregate"
        )
    rows = slice(first_rows[0], first_rows[-1] + counts[-1])
    edges = np.array(first_rows) - first_rows[0]
    sizes = np.array(counts, dtype=float)[:, None, None]

    def summed(values: Float[np.ndarray, "period geo *rest"]) -> Float[np.ndarray, "longer geo *rest"]:
        return np.add.reduceat(values[rows], edges, axis=0)

    spend = summed(dataset.spend)
    driver = summed(dataset.driver)
    totals = spend.sum(axis=(0, 1))
    channels = [in_money(driver[:, :, at], float(totals[at])) for at in range(len(totals))]
    return replace(
        dataset,
        period=period,
        starts=tuple(starts),
        outcome=summed(dataset.outcome),
        spend=spend,
        driver=np.stack(channels, axis=2),
        controls=summed(dataset.controls) / sizes,
        events=summed(dataset.events) / sizes,
        notes=(*dataset.notes, *notes),
    )


def _start(day: date, period: Coarse) -> date:
    """The first day of the calendar period around a day."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    month = day.month if period == "month" else 3 * ((day.month - 1) // 3) + 1
    return date(day.year, month, 1)


def _bins(dataset: Dataset, period: Coarse) -> tuple[list[date], list[int], list[int], list[str]]:
    """Start, first row and number of rows of each whole longer period, and what was left out."""
    grouped: dict[date, list[int]] = {}
    for row, day in enumerate(dataset.starts):
        grouped.setdefault(_start(day, period), []).append(row)
    starts, first_rows, counts, notes = [], [], [], []
    for start, rows in grouped.items():
        whole = dataset.starts[rows[0]] == start and step(dataset.starts[rows[-1]], 1, dataset.period) == step(
            start, 1, period
        )
        if whole:
            starts.append(start)
            first_rows.append(rows[0])
            counts.append(len(rows))
        else:
            days = (step(start, 1, period) - start).days
            unit = "days" if dataset.period == "day" else f"{dataset.period}s"
            size = days if dataset.period == "day" else 3
            notes.append(f"the {period} of {start} has {len(rows)} of {size} {unit} and was left out")
    return starts, first_rows, counts, notes
