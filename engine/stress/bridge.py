"""The bridge from the plan to the outcome, path by path: what each shock and the policy add.

Shocks come in one after the other, in the order of the scenario, while the plan is held; so what each adds depends on
those before it, and all of it adds up. Only the channels that a shock changes are looked at again.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Shock
from engine.stress.account import account
from engine.stress.levels import Levels, further, levels
from engine.stress.luck import Met, met
from engine.stress.play import Paths, brought_by
from engine.stress.policies import Scene, held
from engine.stress.setting import Setting, Working
from engine.stress.trial import Trial


def steps(
    trial: Trial, shocks: tuple[Shock, ...], paths: Paths, work: tuple[Working, ...]
) -> Float[np.ndarray, "path step"]:
    """What the plan held brings without shocks, with the first, with the first two, ..., all sold by who sells."""
    setting, found = trial.setting, met(trial.setting.planned, shocks, trial.seed, paths.number)
    if setting.planned.stress.sales:  # what is sold of one channel depends on the leads of all
        return np.stack([_sold(trial, found[:number], paths, work) for number in range(len(shocks) + 1)], axis=1)
    count, before, world = len(paths.number), None, levels(setting, ())
    totals = np.zeros((count, len(work)))
    came, columns = [np.zeros((count, setting.rows)) for _ in work], []
    for number in range(len(shocks) + 1):
        world = further(setting, world, found[number - 1]) if number else world
        now = Moment(world, held(_scene(setting, world, work, count)).money)
        for channel, one in enumerate(work):
            if before is None or not now.buys_as(before, channel):
                spent = world.had[channel], now.money[:, :, channel]
                came[channel] = brought_by(setting, channel, one, spent, count)
            elif now.works_as(before, channel):
                continue
            totals[:, channel] = (came[channel] * (world.effect[channel] * setting.found[channel].worth)).sum(axis=1)
        columns.append(totals.sum(axis=1))
        before = now
    return np.stack(columns, axis=1)


def _sold(trial: Trial, found: list[Met], paths: Paths, work: tuple[Working, ...]) -> Float[np.ndarray, " path"]:
    """What is sold of what the plan held brings under some shocks."""
    setting, count = trial.setting, len(paths.number)
    world = levels(setting, found)
    spending = held(_scene(setting, world, work, count))
    return account(setting, work, world, spending, trial.whole, count).outcome.sum(axis=1)


class Moment(NamedTuple):
    """The world after some shocks, and what is spent in it."""

    world: Levels
    money: Float[np.ndarray, "#path period channel"]

    def buys_as(self, other: "Moment", channel: int) -> bool:
        """Whether a channel buys what it bought in another world."""
        same_money = np.array_equal(self.money[:, :, channel], other.money[:, :, channel])
        return same_money and np.array_equal(self.world.had[channel], other.world.had[channel])

    def works_as(self, other: "Moment", channel: int) -> bool:
        """Whether its contacts bring what they brought there."""
        return np.array_equal(self.world.effect[channel], other.world.effect[channel])


def _scene(setting: Setting, world: Levels, work: tuple[Working, ...], count: int) -> Scene:
    return Scene(setting, world, lambda _: world, work, count)
