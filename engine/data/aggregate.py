"""A Dataset by longer periods: money and outcome add up, controls and events are averaged."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal, NamedTuple

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
    bins = _bins(dataset, period)
    if not bins.starts:
        raise InputError(
            f"{place}: no whole {period} between {dataset.starts[0]} and {dataset.starts[-1]}; remove aggregate"
        )
    return _merged(dataset, period, bins)


def by_month_of_start(dataset: Dataset) -> Dataset:
    """Weeks as months of four or five: each week counts wholly in the month in which it starts.

    A first or last month of which a week lies outside the history is left out, and `notes` says so. Outcome,
    spend and driver are sums; controls are means; an event takes place in a month if it does in one of its weeks.

    Raises:
        InputError: No month has all its weeks.
    """
    grouped = _grouped(dataset, "month")
    whole = {
        start: rows
        for start, rows in grouped.items()
        if step(dataset.starts[rows[0]], -1, "week") < start
        and step(dataset.starts[rows[-1]], 1, "week") >= step(start, 1, "month")
    }
    if not whole:
        raise InputError(
            f"no month has all its weeks between {dataset.starts[0]} and {dataset.starts[-1]}; "
            f"ask for more weeks, or for rows by week"
        )
    notes = tuple(
        f"the month of {start} has {len(rows)} weeks in the history, not all of its own, and was left out"
        for start, rows in grouped.items()
        if start not in whole
    )
    bins = Bins(tuple(whole), tuple(rows[0] for rows in whole.values()), tuple(map(len, whole.values())), notes)
    happens = [dataset.events[rows].max(axis=0) for rows in whole.values()]
    return replace(_merged(dataset, "month", bins), events=np.stack(happens))


class Bins(NamedTuple):
    """The whole longer periods of a history, and what was left out of them."""

    starts: tuple[date, ...]
    first_rows: tuple[int, ...]
    counts: tuple[int, ...]  # rows of each
    notes: tuple[str, ...]


def _merged(dataset: Dataset, period: Coarse, bins: Bins) -> Dataset:
    rows = slice(bins.first_rows[0], bins.first_rows[-1] + bins.counts[-1])
    edges = np.array(bins.first_rows) - bins.first_rows[0]
    sizes = np.array(bins.counts, dtype=float)[:, None, None]

    def summed(values: Float[np.ndarray, "period geo *rest"]) -> Float[np.ndarray, "longer geo *rest"]:
        return np.add.reduceat(values[rows], edges, axis=0)

    spend = summed(dataset.spend)
    driver = summed(dataset.driver)
    channels = [in_money(driver[:, :, at], spend[:, :, at], period) for at in range(len(dataset.channels))]
    blank = dataset.unrecorded
    return replace(
        dataset,
        period=period,
        starts=bins.starts,
        outcome=summed(dataset.outcome),
        spend=spend,
        driver=np.stack(channels, axis=2),
        controls=summed(dataset.controls) / sizes,
        events=summed(dataset.events) / sizes,
        notes=(*dataset.notes, *bins.notes),
        unrecorded=None if blank is None else np.logical_and.reduceat(blank[rows], edges, axis=0),
    )


def _start(day: date, period: Coarse) -> date:
    """The first day of the calendar period around a day."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    month = day.month if period == "month" else 3 * ((day.month - 1) // 3) + 1
    return date(day.year, month, 1)


def _grouped(dataset: Dataset, period: Coarse) -> dict[date, list[int]]:
    """The rows of each longer period, by the day on which it starts."""
    grouped: dict[date, list[int]] = {}
    for row, day in enumerate(dataset.starts):
        grouped.setdefault(_start(day, period), []).append(row)
    return grouped


def _bins(dataset: Dataset, period: Coarse) -> Bins:
    """Each whole longer period, and what was left out."""
    starts, first_rows, counts, notes = [], [], [], []
    for start, rows in _grouped(dataset, period).items():
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
    return Bins(tuple(starts), tuple(first_rows), tuple(counts), tuple(notes))
