"""Experiments as the density sees them: arms in doses, weights in standard errors."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.density import Tests
from engine.calibrate.panel import Panel
from engine.data.dataset import Dataset
from engine.data.experiments import arms
from engine.data.lift import LiftTest


def tests_of(dataset: Dataset, panel: Panel) -> Tests:
    """Every experiment of a data set, as weighted sums of what each tested channel brings in two arms or three.

    All arms have the past of the one left alone: a test in the first periods changed nothing before them.
    """
    periods, geos = dataset.outcome.shape
    dose, opening, channel, weight, owner = [], [], [], [], []
    for number, test in enumerate(dataset.lift_tests):
        for arm in _arms(dataset, test, panel):
            heads = test.share * panel.size * panel.outcome_scale / test.standard_error
            for column in test.columns:
                unit = panel.size * panel.dose_scale[column]
                dose.append(arm.driver[:, :, column] / unit)
                opening.append(arm.before[:, column] / unit)
                channel.append(column)
                weight.append(arm.weight[:, None] * heads)
                owner.append(np.eye(len(dataset.lift_tests))[number])
    return Tests(
        dose=np.stack(dose, axis=-1) if dose else np.zeros((periods, geos, 0)),
        opening=np.stack(opening, axis=-1) if opening else np.zeros((geos, 0)),
        channel=np.array(channel, dtype=int),
        weight=np.stack(weight) if weight else np.zeros((0, periods, geos)),
        owner=np.stack(owner, axis=1) if owner else np.zeros((0, 0)),
        found=np.array([test.outcome_change / test.standard_error for test in dataset.lift_tests]),
    )


class _Arm(NamedTuple):
    """One course of all channels, and how what it brings enters a test."""

    weight: Float[np.ndarray, " period"]
    driver: Float[np.ndarray, "period geo channel"]  # [currency/period]
    before: Float[np.ndarray, "geo channel"]  # in every period before the first one [currency/period]


def _arms(dataset: Dataset, test: LiftTest, panel: Panel) -> list[_Arm]:
    """The arms whose weighted sum is the effect of a test as it was counted.

    Where a part of the last period is counted and the money of that period counts otherwise than earlier money, a third
    arm has the change until then only: it tells apart what the two bring in that period.
    """
    left_alone, changed = arms(dataset, test)
    before = left_alone[: panel.opening_periods].mean(axis=0)
    carried, fresh = np.zeros((2, len(dataset.starts)))
    carried[test.first : test.final] = fresh[test.first : test.final] = test.reading.earlier
    carried[test.final], fresh[test.final] = test.reading.carried, test.reading.fresh
    told = [_Arm(-carried, left_alone, before), _Arm(fresh, changed, before)]
    if test.reading.carried == test.reading.fresh:
        return told
    until_then = np.concatenate([changed[: test.final], left_alone[test.final :]])
    return [*told, _Arm(carried - fresh, until_then, before)]
