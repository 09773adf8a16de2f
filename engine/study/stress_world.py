"""The policies of a stress test played in a simulated world, whose truth is known: whether what curves say holds there.

Policies decide by the curves, as they would; what their money earns is the world's. Only the first paths are played:
a world is slower than curves.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample
from engine.errors import InputError
from engine.stress.account import account
from engine.stress.in_world import Ground, ground, lived, require_fit, unfelt
from engine.stress.luck import met
from engine.stress.play import Paths, paths_of, works
from engine.stress.readout import Gain, Spread, gain, spread
from engine.stress.sets import Case
from engine.stress.setting import Working
from engine.stress.trial import Trial, scene_of, shocked, spent
from engine.study.stress import Prepared
from engine.words import COLUMNS, folded, money, number, plain

PATHS = 128  # of each case
LUCKS = 8  # futures of the market that paths take in turn
WEEK = 7  # days


@dataclass(frozen=True)
class InWorld:
    """What a policy came to in a world, beside what the curves say of the same paths [currency]."""

    case: str
    policy: str
    paths: int
    outcome: Spread  # revenue that the plan's money brought
    by_curves: Spread
    gain: Gain | None  # over the first policy
    lucks: int  # futures of the market that the paths take in turn: paths of one are not independent of each other
    worse: int | None  # on how many of them it brings less than the first policy, in the mean of their paths


def opened(ready: Prepared, market: Path) -> Ground:
    """The world of a market where the plan begins, with the seed of the test.

    Raises:
        InputError: The plan does not fit the market, or past years are replayed.
    """
    trial = ready.work.trial
    if ready.work.past is not None:
        raise InputError("--world has a market of its own, and --set replay past years; leave out one of them")
    if not trial.setting.curves.is_money:
        raise InputError(f"a world tells revenue, and the curves count {ready.plan.measure}; leave --world out")
    place = _ground(trial, load(sample("configs", market), Market))
    require_fit(trial.setting, place)
    return place


def played_in(ready: Prepared, place: Ground, tell: Callable[[str], None]) -> tuple[InWorld, ...]:
    """What every policy comes to in a world."""
    trial = ready.work.trial
    paths = paths_of(min(ready.work.count, PATHS), trial.setting.curves.draws, PATHS)[0]
    work, found = works(trial.setting, paths), []
    for at, case in enumerate(ready.work.cases, 1):
        tell(f"case {at} of {len(ready.work.cases)} in the world of {place.world.name}")
        found += _case(trial, place, case, (paths, work))
    return tuple(found)


def _ground(trial: Trial, market: Market) -> Ground:
    """The world where the plan begins."""
    weeks, days = divmod((trial.setting.days[0] - market.start).days, WEEK)
    if weeks < 1 or days:
        raise InputError(
            f"the plan starts on {trial.setting.days[0]}, which is no week after {market.start}, when the market "
            f"{market.name} begins; plan from one on"
        )
    return ground(market, weeks, trial.seed, LUCKS)


def _case(trial: Trial, place: Ground, case: Case, on: tuple[Paths, tuple[Working, ...]]) -> list[InWorld]:
    """Every policy in one case."""
    paths, work = on
    luck = met(trial.setting.planned, case.shocks, trial.seed, paths.number)
    future = paths.number % max(1, len(place.calendars))
    told: list[InWorld] = []
    first: Float[np.ndarray, " path"] | None = None
    for policy in trial.policies:
        start = trial.reserve if policy == "reserve" and trial.reserve else trial.plan
        scene = scene_of(start.setting, shocked(trial, case.shocks, paths), paths, work)
        decided = spent(trial, policy, scene, start.planner)
        came = lived(start.setting, place, luck, paths, decided.money).outcome.sum(axis=1)
        curves = account(start.setting, work, scene.levels, decided, trial.whole, scene.count)
        over = None if first is None else (gain(came, first, future), worse_on(came, first, future))
        first = came if first is None else first
        told.append(
            InWorld(
                case=case.name,
                policy=policy,
                paths=len(came),
                outcome=spread(came),
                by_curves=spread(curves.outcome.sum(axis=1)),
                gain=over[0] if over else None,
                lucks=len(np.unique(future)),
                worse=over[1] if over else None,
            )
        )
    return told


def worse_on(
    came: Float[np.ndarray, " path"], over: Float[np.ndarray, " path"], future: Int[np.ndarray, " path"]
) -> int:
    """On how many futures of the market paths come to less than others, in their mean.

    >>> worse_on(np.array([1.0, 5.0, 2.0, 5.0]), np.array([2.0, 4.0, 2.0, 5.0]), np.array([0, 1, 0, 1]))
    1
    """
    return sum(gain(came[future == one], over[future == one]).mean < 0 for one in np.unique(future))


def world_document(found: tuple[InWorld, ...]) -> list[dict[str, Any]]:
    """The content of `in_world` in stress.json."""
    return [asdict(one) for one in found]


def world_text(found: tuple[InWorld, ...], ready: Prepared, place: Ground, width: int = COLUMNS) -> str:
    """What a world says of each policy, beside what curves say, for people."""
    rows = [
        [
            f"{one.case}: {one.policy}",
            *map(number, (one.outcome.mean, one.outcome.p05, one.outcome.p95, one.by_curves.mean)),
            money(one.gain.mean, "", signed=True) if one.gain else "",
            "" if one.worse is None else f"{one.worse} of {one.lucks} lucks",
        ]
        for one in found
    ]
    header = ["case: policy", "mean", "5 %", "95 %", "by curves", "over the first", "worse on"]
    told = (
        f"In the world of {plain(place.world.name)}, on {found[0].paths} paths with {_lucks(found[0].lucks)}: "
        f"revenue that the money brings [{place.world.currency}], beside what the curves say of the same paths"
    )
    lines = [f"{told}:\n{folded(header, rows, width)}", *_outside(found, place.world.currency)]
    shocks = tuple(shock for case in ready.work.cases for shock in case.shocks)
    if names := dict.fromkeys(unfelt(place.world, shocks)):
        lines.append(f"This world has nothing that {', '.join(map(plain, names))} could change.")
    return "\n".join(lines)


def _lucks(count: int) -> str:
    return "one luck of the market" if count == 1 else f"{count} different lucks of the market"


def _outside(found: tuple[InWorld, ...], currency: str) -> list[str]:
    """That the world lies outside of what the curves hold likely, on either side."""
    sides = {
        "below the 5 % point": [(one, one.by_curves.p05) for one in found if one.outcome.mean < one.by_curves.p05],
        "above the 95 % point": [(one, one.by_curves.p95) for one in found if one.outcome.mean > one.by_curves.p95],
    }
    return [
        f"The world lies {side} of what the curves say: {_beyond(some, currency)}. Here the curves are wrong about how "
        "much money brings: trust differences between policies more than amounts, and test."
        for side, some in sides.items()
        if some
    ]


def _beyond(some: list[tuple[InWorld, float]], currency: str) -> str:
    (one, end), *others = some
    more = f"; and {len(others)} more rows" if others else ""
    return f"{plain(one.case)}: {one.policy} {money(one.outcome.mean, currency)}, beside {money(end, currency)}{more}"
