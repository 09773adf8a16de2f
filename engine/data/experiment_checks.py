"""What the experiments of a history can be believed for, before they enter any fit."""

import math
from collections import Counter

import numpy as np

from engine.data.dataset import Dataset
from engine.data.experiments import TWICE
from engine.data.finding import Finding, Verdict, counted, percent
from engine.data.lift import LiftTest

SURE = 1.645  # standard errors: the edge of a 90 % band
VERY_SURE = 3.0  # standard errors beyond which a wrong sign is no chance
MOVES = 0.2  # of usual spend: below this a change is not seen in the spend itself
WIDER = 1.01  # times its stated standard error: below this nothing is told of it
CLOSER = 1.25  # how much nearer to the usual spend must be without the changed money, as a factor


def told(dataset: Dataset) -> list[Finding]:
    """How many experiments there are, and of which channels they speak."""
    tests = dataset.lift_tests
    if not tests:
        return []
    counts = Counter(channel for test in tests for channel in test.channels)
    spoken = ", ".join(f"{name} ({counts[name]})" for name in dataset.channels if counts[name])
    silent = ", ".join(name for name in dataset.channels if not counts[name])
    advice = f"; there is none on {silent}" if silent else ""
    speak = "speaks" if len(tests) == 1 else "speak"
    claim = f"{counted(len(tests), 'experiment')} {speak} of {spoken}{advice}"
    wider = [finding for test in tests for finding in _wider(test, dataset)]
    return [Finding("experiments", "good", float(len(tests)), f"{claim}."), *wider, *_outside(tests)]


def _wider(test: LiftTest, dataset: Dataset) -> list[Finding]:
    """A standard error that counts wider than it was written, with its causes."""
    factor, blur = test.standard_error / test.stated_error, test.reading.blur
    if factor < WIDER:
        return []
    within = math.hypot(1.0, blur * test.outcome_change / test.stated_error)
    aged = factor / within / (math.sqrt(TWICE) if test.is_in_rows else 1.0)
    causes = [
        *([f"its days are parts of a {dataset.period}, which leaves {percent(blur)} open"] if within >= WIDER else []),
        *(["its outcome was read from rows that a fit reads too"] if test.is_in_rows else []),
        *(["it is old"] if aged >= WIDER else []),
    ]
    claim = f"The experiment {test.name} counts with a standard error of {test.standard_error:.3g}"
    why = f"not of {test.stated_error:.3g}, because {', and because '.join(causes)}"
    advice = f"; count its outcome until a {dataset.period} ends" if within >= WIDER else ""
    return [Finding("experiments", "weak" if within > math.sqrt(2) else "good", factor, f"{claim}, {why}{advice}.")]


def _outside(tests: tuple[LiftTest, ...]) -> list[Finding]:
    """What a history is taken not to hold: it may well hold the outcome, which then has no money to explain it."""
    names = [test.name for test in tests if not test.in_history]
    if not names:
        return []
    which = f"the experiment{'s' * (len(names) > 1)} {', '.join(names)}"
    claim = (
        f"The spend and the outcome of the history are taken to hold neither the money of {which} nor what it brought"
    )
    advice = "where the outcome holds it, add the money to the spend and write in_history"
    return [Finding("experiments", "good", float(len(names)), f"{claim}; {advice}.")]


def readings(dataset: Dataset) -> list[Finding]:
    """Experiments whose figures cannot be, whose signs contradict each other, or that may have found nothing."""
    return [finding for test in dataset.lift_tests for finding in (_too_large(test, dataset) or _unsure(test))]


def _too_large(test: LiftTest, dataset: Dataset) -> list[Finding]:
    cells = test.counted[:, None] * test.geos[None, :]
    whole = test.share * float((cells * dataset.outcome).sum())
    if not 0 < whole < abs(test.outcome_change):
        return []
    figure = abs(test.outcome_change) / whole
    claim = f"The experiment {test.name} moved {figure:.3g} times all the outcome of those people there and then"
    return [Finding("experiments", "bad", figure, f"{claim}; bring its outcome_change to the unit of the history.")]


def _unsure(test: LiftTest) -> list[Finding]:
    errors = test.outcome_change / test.stated_error
    signs = {np.sign(change) for change in test.spend_change}
    with_money = errors * float(signs.pop()) if len(signs) == 1 else abs(errors)
    if with_money <= -SURE:
        claim = f"The experiment {test.name} says that more money brings less ({with_money:.1f} standard errors)"
        advice = "no curve can follow it: check the signs of its two changes"
        verdict: Verdict = "bad" if with_money <= -VERY_SURE else "weak"
        return [Finding("experiments", verdict, with_money, f"{claim}; {advice}.")]
    if with_money < SURE:
        claim = f"The experiment {test.name} may have found nothing ({with_money:.1f} standard errors)"
        advice = "it limits the effect from above only: more money, more people or more time would tell more"
        return [Finding("experiments", "weak", with_money, f"{claim}; {advice}.")]
    return []


def entered(dataset: Dataset) -> list[Finding]:
    """Experiments whose changed money seems to be in the history, though they say that it is not."""
    return [
        finding
        for test in dataset.lift_tests
        if not test.in_history
        for column, change in zip(test.columns, test.spend_change, strict=True)
        for finding in _entered(test, column, change, dataset)
    ]


def _entered(test: LiftTest, column: int, change: float, dataset: Dataset) -> list[Finding]:
    """Spend there and then against the usual: is it nearer to it without the changed money?"""
    spend = dataset.spend[:, test.geos, column].sum(axis=1)
    outside = test.inside == 0
    if not outside.any():
        return []
    usual, there = float(spend[outside].mean() * test.inside.sum()), float(test.inside @ spend)
    without = there - change
    if min(usual, there, without) <= 0 or abs(change) < MOVES * usual:
        return []
    off, off_without = abs(np.log(there / usual)), abs(np.log(without / usual))
    if off - off_without < np.log(CLOSER):
        return []
    name = dataset.channels[column]
    claim = f"Spend on {name} during the experiment {test.name} was {percent(there / usual)} of the usual"
    advice = "if the history holds the changed money, as it then seems, write in_history for this test"
    return [Finding("experiments", "weak", there / usual, f"{claim}; {advice}.")]
