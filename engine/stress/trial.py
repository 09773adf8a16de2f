"""A trial: one stress test, ready to be played piece by piece, in any order and by any number of workers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Shock
from engine.errors import InputError
from engine.stress.account import Account, account
from engine.stress.levels import Levels, levels
from engine.stress.luck import met
from engine.stress.play import Paths
from engine.stress.policies import ROLLING, Mandate, Policy, Scene, Spending, held, rolled, trimmed
from engine.stress.rolling import Planner
from engine.stress.setting import Setting, Working


@dataclass(frozen=True)
class Start:
    """A plan that policies start from, and who plans its rest anew; nobody where the scenario decides only once."""

    setting: Setting
    planner: Planner | None


@dataclass(frozen=True)
class Trial:
    """What is played: a plan, and policies that carry it out."""

    plan: Start
    reserve: Start | None  # the plan with less money, where the policy of that name is asked for
    policies: tuple[Policy, ...]
    band: float  # how far what was earned may be from the plan before it is planned anew, as a share
    seed: int

    @property
    def setting(self) -> Setting:
        """That of the plan."""
        return self.plan.setting

    @property
    def whole(self) -> Float[np.ndarray, " period"]:
        """The money of the budget [currency/period]."""
        found: Float[np.ndarray, " period"] = self.setting.money.sum(axis=1)
        return found


World = Callable[[Setting, int | None], Levels]
"""What shocks make of the periods of a setting, of which only what is known at a row counts; None: all."""


def factors(trial: Trial, shocks: tuple[Shock, ...], paths: Paths) -> Float[np.ndarray, "path shock"]:
    """The factor of each shock on each path, 1 for a shock without one; NaN where it does not come."""
    found = met(trial.setting.planned, shocks, trial.seed, paths.number)
    return np.stack([np.where(one.comes, one.factor, np.nan) for one in found], axis=1)


def shocked(trial: Trial, shocks: tuple[Shock, ...], paths: Paths) -> World:
    """The world of some shocks on some paths."""
    found = met(trial.setting.planned, shocks, trial.seed, paths.number)
    return lambda setting, known_by: levels(setting, found, known_by)


def played(trial: Trial, world: World, paths: Paths, work: tuple[Working, ...]) -> dict[Policy, Account]:
    """What every policy comes to on some paths, all of them in one world.

    Args:
        trial: The plan and the policies.
        world: What comes true, and what is known when.
        paths: Which paths.
        work: How money works on their draws (`play.works`).
    """
    found: dict[Policy, Account] = {}
    plan = scene_of(trial.setting, world, paths, work)
    for policy in trial.policies:
        start = trial.reserve if policy == "reserve" and trial.reserve else trial.plan
        scene = plan if start is trial.plan else scene_of(start.setting, world, paths, work)
        spending = spent(trial, policy, scene, start.planner)
        found[policy] = account(start.setting, work, scene.levels, spending, trial.whole, scene.count)
    return found


def scene_of(setting: Setting, world: World, paths: Paths, work: tuple[Working, ...]) -> Scene:
    """Some paths as they come true for a plan."""
    return Scene(setting, world(setting, None), lambda row: world(setting, row), work, len(paths.number))


def spent(trial: Trial, policy: Policy, scene: Scene, planner: Planner | None) -> Spending:
    """What one policy spends.

    Raises:
        InputError: It plans anew, and nobody does.
    """
    if policy not in ROLLING:
        return held(scene) if policy == "hold" else trimmed(scene)
    if planner is None:
        raise InputError(f"policy {policy} plans anew, and here nobody does; ask for hold and trim")
    return rolled(scene, Mandate(planner, policy, trial.whole, trial.band))
