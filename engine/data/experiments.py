"""The experiments of a model file, checked against the history and laid upon its periods and geos."""

import difflib
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.config.experiments import Experiment
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.data.experiment_file import Told, read_experiments
from engine.data.finding import percent
from engine.data.lift import LiftTest
from engine.data.panel import NATIONAL
from engine.data.part_periods import Days, reading
from engine.data.table import refuse, shown
from engine.periods import share_inside, step
from engine.words import exact

EXACT = 1e-5  # of all outcome there and then: no experiment is known more closely, and no fit could hear it
FURTHEST = 1000.0  # times all that history spent on a channel: no curve is known so far out
FORGOTTEN = 60.0  # doublings of a standard error, after which a test says nothing
BLURRED = 0.3  # of its effect: a test that the periods tell no more closely is refused
TWICE = 2.0  # times its variance is that of a test whose outcome is read from rows that a fit reads too
SLACK = 0.005  # of the money: a holdout may remove this much more than was spent, as rounded money does


def lift_tests(dataset: Dataset, model: Model, model_path: Path) -> tuple[LiftTest, ...]:
    """Every experiment that a model file holds or names, in its order.

    A standard error is widened by what the periods of the history cannot tell of a test within them; the variance is
    doubled where the outcome was read from rows that the fit reads too; and by age: with a half-life of h periods, a
    test that ended a periods before the history does has its variance multiplied by 2^(a/h).

    Raises:
        InputError: A test cannot be read, does not fit the history, or stands twice.
        StorageError: The system would not read the file of tests.
    """
    if model.experiments is None:
        return ()
    told = _told(model, model_path)
    faults = [fault for one in told for fault in _misfits(one, dataset)] + _doubles(told)
    if faults:
        refuse(faults)
    half_life = model.experiments.half_life
    return tuple(placed(one.experiment, dataset, half_life) for one in told)


def _told(model: Model, model_path: Path) -> tuple[Told, ...]:
    """All tests: those in the model file, then those in the table that it names."""
    experiments = model.experiments
    if experiments is None:
        return ()
    inside = tuple(Told(f"{model_path}: experiment {shown(one.name)}", one) for one in experiments.test)
    if experiments.file is None:
        return inside
    return inside + read_experiments(model_path.parent / experiments.file, model.data, model.channels)


def _misfits(told: Told, dataset: Dataset) -> list[str]:
    """What a test says that the history knows nothing of."""
    place, one = told
    names = [(name, "channel", dataset.channels) for name in one.channels]
    names += [(name, "geo", dataset.geos) for name in one.geos]
    unknown = [_unknown(*named) for named in names if named[0] not in named[2]]
    if unknown:
        return [f"{place}: {fault}" for fault in unknown]
    first, last = dataset.starts[0], step(dataset.starts[-1], 1, dataset.period) - timedelta(days=1)
    if one.start < first or _until(one) > last:
        days = f"the test runs and is counted from {one.start} to {_until(one)}, the history from {first} to {last}"
        return [f"{place}: {days}; add the history, or leave the test out"]
    test = placed(one, dataset, None)
    faults = [_too_blurred(test, dataset), _too_exact(test, dataset)]
    faults += [_too_much(test, at, dataset) for at in range(len(one.channels))]
    return [f"{place}: {fault}" for fault in faults if fault]


def _unknown(name: str, what: str, known: Sequence[str]) -> str:
    if what == "geo" and tuple(known) == (NATIONAL,):
        return f"geo {shown(name)} is named, but the history has no geos; leave geos out"
    close = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(shown(other) for other in known[:12]) + (", ..." if len(known) > 12 else "")
    remedy = f"did you mean {shown(close[0])}?" if close else f"it has {listed}; correct the name"
    return f"{what} {shown(name)} is not in the history; {remedy}"


def _until(one: Experiment) -> date:
    return one.until or one.end


def _doubles(told: Sequence[Told]) -> list[str]:
    """Tests that stand twice: under one name, or as the same evidence under two."""
    by_name: dict[str, str] = {}
    by_content: dict[Experiment, str] = {}
    faults = []
    for place, one in told:
        earlier = by_name.setdefault(one.name.casefold(), place)
        same = by_content.setdefault(one.model_copy(update={"name": "-"}), place)
        if earlier != place:
            faults.append(f"{place}: the name {shown(one.name)} stands already at {earlier}; give each test its own")
        elif same != place:
            faults.append(f"{place}: says the same as {same}, and evidence counts once; keep one of them")
    return faults


def _too_blurred(test: LiftTest, dataset: Dataset) -> str:
    """Why the periods cannot tell a test: how much of what they bring was counted depends on days they do not know."""
    if test.reading.blur <= BLURRED:
        return ""
    turns = (step(begin, 1, dataset.period) for begin in dataset.starts[test.final :])
    days = (Days(test.start, test.end, turn - timedelta(days=1)) for turn in turns)
    clear = next((one.until for one in days if reading(dataset.starts, dataset.period, one).blur <= BLURRED), None)
    remedy = f"count its outcome until {clear}, the end of a {dataset.period}, or bring" if clear else "bring"
    return (
        f"its days are parts of a {dataset.period}, so this history tells its effect until {test.until} to no better "
        f"than {percent(test.reading.blur)}; {remedy} history by smaller periods"
    )


def _too_exact(test: LiftTest, dataset: Dataset) -> str:
    """Why the standard error cannot be: smaller than anything that is measured."""
    there = abs(test.share * float((test.counted[:, None] * test.geos[None, :] * dataset.outcome).sum()))
    if test.stated_error >= EXACT * there:
        return ""
    came = exact(there, dataset.currency) if dataset.is_money else f"{there:,.0f} {dataset.outcome_name}"
    return (
        f"standard_error is {test.stated_error:g}, less than a hundred-thousandth of the {came} that came in there and "
        f"then, and nothing is measured so exactly; bring it to the unit of the outcome"
    )


def _too_much(test: LiftTest, at: int, dataset: Dataset) -> str:
    """Why the change of a channel cannot be: more money taken away than there was, or added beyond all measure."""
    change, spend = test.spend_change[at], dataset.spend[:, :, test.columns[at]]
    whole, spent = float(spend.sum()), float((_cells(test) * spend).sum())
    name, there = shown(test.channels[at]), spent * test.share
    said = f"spend_change of {name} is {exact(change, dataset.currency)}"
    if change > FURTHEST * whole:
        return f"{said}, and all of history spent {exact(whole, dataset.currency)} on it; bring it to the same unit"
    if test.in_history and change > spent * (1 + SLACK):
        return (
            f"{said}, above the {exact(spent, dataset.currency)} that the history holds there and then, though "
            f"in_history says that it holds the change; correct one of them"
        )
    if not test.in_history and -change > there * (1 + SLACK):
        whose = f" on a share of {test.share:g} of the people" if test.share < 1 else ""
        return (
            f"{said}, which takes away more than the {exact(there, dataset.currency)} that was spent{whose} there and "
            f"then; correct it, or write in_history if the history lacks that money already"
        )
    return ""


def _cells(test: LiftTest) -> Float[np.ndarray, "period geo"]:
    """The share of each period and geo in which the money was changed."""
    return test.inside[:, None] * test.geos[None, :]


def placed(one: Experiment, dataset: Dataset, half_life: float | None = None) -> LiftTest:
    """An experiment within a history that holds its channels, geos and days; `half_life` in periods."""
    first, last, final = (bisect_right(dataset.starts, day) - 1 for day in (one.start, one.end, _until(one)))
    read = reading(dataset.starts, dataset.period, Days(one.start, one.end, _until(one)))
    age = len(dataset.starts) - 1 - last
    aged = 2.0 ** min(age / (2 * half_life), FORGOTTEN) if half_life else 1.0

    def shares(until: date) -> Float[np.ndarray, " period"]:
        return np.array(share_inside(dataset.starts, dataset.period, one.start, until + timedelta(days=1)))

    test = LiftTest(
        name=one.name,
        channels=one.channels,
        columns=tuple(dataset.channels.index(name) for name in one.channels),
        start=one.start,
        end=one.end,
        until=_until(one),
        first=first,
        last=last,
        final=final,
        inside=shares(one.end),
        counted=shares(_until(one)),
        reading=read,
        geos=np.array([not one.geos or geo in one.geos for geo in dataset.geos]),
        share=one.share,
        spend_change=one.spend_change,
        outcome_change=one.outcome_change,
        standard_error=math.hypot(one.standard_error, read.blur * one.outcome_change) * aged,
        stated_error=one.standard_error,
        in_history=one.in_history,
    )
    return replace(test, standard_error=test.standard_error * math.sqrt(TWICE)) if test.is_in_rows else test


class Arms(NamedTuple):
    """The drivers of a test's two arms over the whole history, each as if all people in its geos were in it."""

    left_alone: Float[np.ndarray, "period geo channel"]  # [currency/period]
    changed: Float[np.ndarray, "period geo channel"]  # [currency/period]


def arms(dataset: Dataset, test: LiftTest) -> Arms:
    """What each channel's curve runs on without a test's change, and with it for everybody in its geos.

    A curve's view of the test is `test.share` times the difference of what the two arms bring, summed over periods
    by `test.reading` and over all geos. The change follows the channel's activity within the test (its
    usual activity by geo where there was none), and money buys exposure at its price within the test. A
    holdout never goes below nothing.
    """
    left_alone, changed = dataset.driver.copy(), dataset.driver.copy()
    cells = _cells(test)
    for column, money in zip(test.columns, test.spend_change, strict=True):
        driver = dataset.driver[:, :, column]
        spent, moved = float((cells * dataset.spend[:, :, column]).sum()), float((cells * driver).sum())
        change = money * (moved / spent if spent > 0 and moved > 0 else 1.0) * _spread(cells, driver, dataset)
        base = np.maximum(driver - change, 0.0) if test.in_history else driver
        left_alone[:, :, column] = base
        changed[:, :, column] = np.maximum(base + change / test.share, 0.0)
    return Arms(left_alone, changed)


def _spread(
    cells: Float[np.ndarray, "period geo"], driver: Float[np.ndarray, "period geo"], dataset: Dataset
) -> Float[np.ndarray, "period geo"]:
    """How a change of one is laid upon the cells of a test."""
    usual = np.broadcast_to(driver.mean(axis=0), driver.shape)
    people = np.broadcast_to(dataset.population, driver.shape)
    weights = next(cells * one for one in (driver, usual, people) if (cells * one).sum() > 0)
    return weights / weights.sum()
