"""Experiments as the density sees them: arms in doses, weights in standard errors."""

import numpy as np

from engine.calibrate.density import Tests
from engine.calibrate.panel import OPENING, Panel
from engine.data.dataset import Dataset
from engine.data.experiments import arms


def tests_of(dataset: Dataset, panel: Panel) -> Tests:
    """Every experiment of a data set; each tested channel has two arms, with and without the change.

    Both arms have the past of the one left alone: a test in the first periods changed nothing before them.
    """
    periods, geos = dataset.outcome.shape
    dose, opening, channel, weight, owner = [], [], [], [], []
    for number, test in enumerate(dataset.lift_tests):
        left_alone, changed = arms(dataset, test)
        counted = test.share * test.counted[:, None] * panel.size * panel.outcome_scale / test.standard_error
        for column in test.columns:
            unit = panel.size * panel.dose_scale[column]
            for sign, driver in ((-1.0, left_alone), (1.0, changed)):
                dose.append(driver[:, :, column] / unit)
                opening.append(left_alone[:OPENING, :, column].mean(axis=0) / unit)
                channel.append(column)
                weight.append(sign * counted)
                owner.append(np.eye(len(dataset.lift_tests))[number])
    return Tests(
        dose=np.stack(dose, axis=-1) if dose else np.zeros((periods, geos, 0)),
        opening=np.stack(opening, axis=-1) if opening else np.zeros((geos, 0)),
        channel=np.array(channel, dtype=int),
        weight=np.stack(weight) if weight else np.zeros((0, periods, geos)),
        owner=np.stack(owner, axis=1) if owner else np.zeros((0, 0)),
        found=np.array([test.outcome_change / test.standard_error for test in dataset.lift_tests]),
    )
