"""Tuning: how much to hold back and when to step in, searched on some paths of shocks and judged on others.

All choices meet the same training paths, so no luck tells them apart. The best of many is lucky even so: what it brings
is told on fresh paths, with other shocks and, where there are several, other draws of the curves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.config.shocks import Shock
from engine.errors import InfeasibleError, InputError
from engine.stress.account import OF_PROFIT, Account
from engine.stress.play import Paths, paths_of, works
from engine.stress.policies import Policy
from engine.stress.proposals import Choice, Choices, searched
from engine.stress.readout import Gain, gain, value_at_risk
from engine.stress.setting import Setting, Working
from engine.stress.trial import Start, Trial, played, shocked
from engine.words import percent

RESERVES = tuple(step / 40 for step in range(13))  # shares of the money, each of which needs a plan of its own
BANDS = tuple(step / 100 for step in range(1, 26))
TOGETHER = 500  # paths that are played together
TUNABLE: tuple[Policy, ...] = ("reserve", "trigger")

Of = Literal["mean", "worst"]

StartOf = Callable[[float], Start | None]
"""The plan that holds a share of the money back, and who plans it anew; None where no plan of the rest is possible."""

Tell = Callable[[int, int], None]
"""Hears how many choices are tried, of how many."""


@dataclass(frozen=True)
class Search:
    """What is tuned, and how."""

    policies: tuple[Policy, ...] = TUNABLE
    of: Of = "mean"  # what is to be as high as possible: the mean of all paths, or of the worst `stress.level` of them
    tries: int = 30  # choices of each policy, the scenario's own among them
    training: int = 500  # paths by which is chosen
    fresh: int = 2000  # paths on which is judged
    reserves: tuple[float, ...] = RESERVES
    bands: tuple[float, ...] = BANDS


@dataclass(frozen=True)
class Tuned:
    """The best choice for a policy, and what it brings where it was found and elsewhere [outcome, or money]."""

    policy: Policy
    of: Of
    level: float  # the share of paths that counts as the worst
    is_profit: bool  # whether profit is measured, which is money; else the outcome as the goal values it
    choice: Choice
    default: Choice  # the scenario's own
    tried: int  # choices
    plans: int  # that had to be made
    paths: tuple[int, int]  # for training and for judging
    training: Gain  # over holding the plan
    fresh: Gain  # the same on paths that it was not chosen by
    default_fresh: Gain  # of the scenario's own choice, over holding the plan on the same paths
    fresh_beside_default: Gain  # what tuning brings
    fresh_beside_replan: Gain  # over planning anew each time
    sensitivity: tuple[tuple[float, float, float], ...]  # reserve, band and what is maximised, on the training paths

    @property
    def helps(self) -> bool:
        """Whether it surely brings more than holding the plan."""
        return bool(self.fresh.low > 0)

    @property
    def is_overstated(self) -> bool:
        """Whether training promised more than luck explains."""
        error = math.hypot(self.training.mean - self.training.low, self.fresh.mean - self.fresh.low)
        return bool(self.training.mean - self.fresh.mean > error)


@dataclass(frozen=True)
class Luck:
    """Paths on which choices are compared, in pieces, and how money works on their draws."""

    seed: int
    pieces: tuple[tuple[Paths, tuple[Working, ...]], ...]

    @property
    def draws(self) -> Int[np.ndarray, " path"]:
        """The draw of the curves that each path has."""
        return np.concatenate([np.tile(paths.draws, paths.repeats) for paths, _ in self.pieces])


def silent(_done: int, _all: int) -> None:
    """Nobody listens."""


def tuned(
    trial: Trial, shocks: tuple[Shock, ...], start_of: StartOf, search: Search, tell: Tell = silent
) -> tuple[Tuned, ...]:
    """The best choice for each policy.

    Args:
        trial: The plan, the scenario's own band, and the seed of the fresh paths.
        shocks: That come.
        start_of: Makes plans that hold a share of the money back; asked once for each.
        search: What is tuned, and how.
        tell: Hears how many choices are tried.

    Raises:
        InputError: A policy goes by neither reserve nor band, or nobody plans anew.
        InfeasibleError: What the scenario's own reserve leaves keeps no plan.
    """
    if odd := [policy for policy in search.policies if policy not in TUNABLE]:
        raise InputError(f"policy {odd[0]} goes by no reserve and no band, so nothing of it can be tuned; tune others")
    fresh, training = fresh_luck(trial, search), training_luck(trial, search)
    bench = _Bench(
        trial=trial,
        shocks=shocks,
        search=search,
        training=training,
        fresh=fresh,
        hold=earned(trial, shocks, "hold", training),
        others=(earned(trial, shocks, "hold", fresh), earned(trial, shocks, "replan", fresh)),
    )
    starts: dict[float, Start | None] = {0.0: trial.plan}

    def start(share: float) -> Start | None:
        if share not in starts:
            starts[share] = start_of(share)
        return starts[share]

    return tuple(
        _tuned(bench, policy, start, _after(tell, number * search.tries, len(search.policies) * search.tries))
        for number, policy in enumerate(search.policies)
    )


def _after(tell: Tell, before: int, every: int) -> Callable[[int], None]:
    return lambda done: tell(before + done, every)


def training_luck(trial: Trial, search: Search) -> Luck:
    """The paths by which is chosen: of a seed of their own, on every other draw."""
    seed = int(np.random.SeedSequence([trial.seed, 1]).generate_state(1)[0])
    return _luck(trial.setting, seed, search.training, 1)


def fresh_luck(trial: Trial, search: Search) -> Luck:
    """The paths on which is judged: of the trial's seed, on the draws that training leaves."""
    return _luck(trial.setting, trial.seed, search.fresh, 0)


def _luck(setting: Setting, seed: int, count: int, first: int) -> Luck:
    every = np.arange(setting.curves.draws)
    draws = every[first::2] if len(every) > 1 else every
    known: dict[bytes, tuple[Working, ...]] = {}
    pieces = []
    for piece in paths_of(count, len(draws), TOGETHER):
        paths = replace(piece, draws=draws[piece.draws])
        key = paths.draws.tobytes()
        known[key] = known.get(key) or works(setting, paths)
        pieces.append((paths, known[key]))
    return Luck(seed, tuple(pieces))


def measured(setting: Setting, account: Account) -> Float[np.ndarray, "path span"]:
    """What finance asked for: profit where the goal is money left, else the outcome."""
    return account.profit if _is_profit(setting) else account.outcome


def _is_profit(setting: Setting) -> bool:
    return setting.planned.goal.maximise in OF_PROFIT


def earned(trial: Trial, shocks: tuple[Shock, ...], policy: Policy, luck: Luck) -> Float[np.ndarray, " path"]:
    """What finance asked for, of one policy on each path."""
    alone = replace(trial, policies=(policy,), seed=luck.seed)
    found = [played(alone, shocked(alone, shocks, paths), paths, work)[policy] for paths, work in luck.pieces]
    return np.concatenate([measured(trial.setting, one).sum(axis=1) for one in found])


def counted(values: Float[np.ndarray, " path"], of: Of, level: float) -> Float[np.ndarray, " path"]:
    """Terms by path whose mean is maximised: the values, or what makes the mean of the worst share of them.

    Since the latter is a mean too (Rockafellar and Uryasev 2000, Optimization of conditional value-at-risk), it has a
    standard error as any mean.

    >>> counted(np.arange(1.0, 11.0), "worst", 0.2).mean().item()
    1.5
    """
    if of == "mean":
        return values
    edge = -value_at_risk(values, 0.0, level)[0]
    found: Float[np.ndarray, " path"] = edge + np.minimum(values - edge, 0.0) / level
    return found


def gained(
    values: Float[np.ndarray, " path"],
    over: Float[np.ndarray, " path"],
    draws: Int[np.ndarray, " path"],
    of: Of,
    level: float,
) -> Gain:
    """What the first values bring beyond the second in what is maximised, and on which share of paths they are less."""
    found = gain(counted(values, of, level), counted(over, of, level), draws)
    return replace(found, worse=gain(values, over, draws).worse)


@dataclass(frozen=True)
class _Bench:
    """Where choices are tried, and what they are compared with."""

    trial: Trial
    shocks: tuple[Shock, ...]
    search: Search
    training: Luck
    fresh: Luck
    hold: Float[np.ndarray, " training"]  # on the training paths
    others: tuple[Float[np.ndarray, " fresh"], Float[np.ndarray, " fresh"]]  # hold and replan, on the fresh ones

    @property
    def level(self) -> float:
        """The share of paths that counts as the worst."""
        return self.trial.setting.planned.stress.level

    def gained(self, values: Float[np.ndarray, " path"], over: Float[np.ndarray, " path"], luck: Luck) -> Gain:
        """What the first values bring beyond the second on the same paths."""
        return gained(values, over, luck.draws, self.search.of, self.level)

    def earned(self, policy: Policy, choice: Choice, start: Start | None, luck: Luck) -> Float[np.ndarray, " path"]:
        """What a choice brings on each path."""
        chosen = replace(self.trial, reserve=start, band=choice.band)
        return earned(chosen, self.shocks, policy, luck)


def _tuned(bench: _Bench, policy: Policy, start: StartOf, tell: Callable[[int], None]) -> Tuned:
    choices, search = _choices(bench, policy), bench.search
    tried, kept = _tried(bench, policy, start, choices, tell)
    told = {choice: value for choice, value in tried.items() if value is not None}
    if choices.default not in told:
        raise InfeasibleError(
            f"policy {policy} holds {percent(choices.default.reserve)} of the money back, and the rest keeps no plan; "
            "lower stress.reserve"
        )
    best = max(told, key=lambda choice: told[choice])  # of equal ones the first: the scenario's own
    both = [bench.earned(policy, one, start(one.reserve), bench.fresh) for one in (best, choices.default)]
    (values, usual), (hold, replan) = both, bench.others
    return Tuned(
        policy=policy,
        of=search.of,
        level=bench.level,
        is_profit=_is_profit(bench.trial.setting),
        choice=best,
        default=choices.default,
        tried=len(tried),
        plans=len({choice.reserve for choice in tried if choice.reserve > 0}),
        paths=(len(bench.hold), len(hold)),
        training=bench.gained(kept[best], bench.hold, bench.training),
        fresh=bench.gained(values, hold, bench.fresh),
        default_fresh=bench.gained(usual, hold, bench.fresh),
        fresh_beside_default=bench.gained(values, usual, bench.fresh),
        fresh_beside_replan=bench.gained(values, replan, bench.fresh),
        sensitivity=tuple((*choice, told[choice]) for choice in sorted(told)),
    )


def _choices(bench: _Bench, policy: Policy) -> Choices:
    holds, own = policy == "reserve", bench.trial.setting.planned.stress.reserve
    default = Choice(own if holds else 0.0, bench.trial.band)
    reserves = tuple(sorted({*bench.search.reserves, own})) if holds else (0.0,)
    return Choices(reserves, tuple(sorted({*bench.search.bands, default.band})), default)


def _tried(
    bench: _Bench, policy: Policy, start: StartOf, choices: Choices, tell: Callable[[int], None]
) -> tuple[dict[Choice, float | None], dict[Choice, Float[np.ndarray, " path"]]]:
    """What choices score on the training paths, and what they bring there path by path."""
    kept: dict[Choice, Float[np.ndarray, " path"]] = {}

    def score(choice: Choice) -> float | None:
        begun = start(choice.reserve)
        if begun is None:
            return None
        kept[choice] = bench.earned(policy, choice, begun, bench.training)
        return float(counted(kept[choice], bench.search.of, bench.level).mean())

    return searched(score, choices, bench.search.tries, bench.trial.seed, tell), kept
