"""The bridge from the plan to the outcome, path by path: what each shock, the team and the policy add.

Shocks come in one after the other, in the order of the scenario, while the plan is held; so what each adds depends on
those before it, and all of it adds up.
"""

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Shock
from engine.stress.account import account
from engine.stress.levels import Levels, levels
from engine.stress.luck import met
from engine.stress.play import Paths, outcomes
from engine.stress.policies import Scene, held
from engine.stress.setting import Working
from engine.stress.trial import Trial

BEFORE, AFTER = 1, 1  # steps before the first shock and after the last one: the plan on the path's draw, the team


def steps(
    trial: Trial, shocks: tuple[Shock, ...], paths: Paths, work: tuple[Working, ...]
) -> Float[np.ndarray, "path step"]:
    """What the plan held brings without shocks, with the first, with the first two, ..., and with a team to sell it."""
    setting, found = trial.setting, met(trial.setting.planned, shocks, trial.seed, paths.number)
    count, columns = len(paths.number), []
    for number in range(len(shocks) + 1):
        world = levels(setting, found[:number])
        columns.append(outcomes(setting, work, world, _money(trial, world, work, count), count).sum(axis=(1, 2)))
    world = levels(setting, found)
    columns.append(
        account(setting, work, world, _money(trial, world, work, count), trial.whole, count).outcome.sum(axis=1)
    )
    return np.stack(columns, axis=1)


def _money(
    trial: Trial, world: Levels, work: tuple[Working, ...], count: int
) -> Float[np.ndarray, "path period channel"]:
    setting = trial.setting
    return held(Scene(setting, world, lambda _: world, work, np.zeros((setting.rows, 1)), count)).money
