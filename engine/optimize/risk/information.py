"""What it would be worth to know before planning: everything, or one channel's own response.

To know the draw is worth what its best plan earns beyond the plan made without knowing it. To know one channel is worth
less: draws are put into groups in which that channel responds alike, all else stays as doubtful as it was within each
group, and each group gets a plan of its own (expected value of partial perfect information; Strong, Oakley and
Brennan, Estimating multiparameter partial expected value of perfect information, 2014, who smooth where this groups).

A plan looks too good on the draws that it was made for. So groups are planned on one half of the draws and valued on
the other, and the other way round: such a gain is too low rather than too high, since half of the draws tell less than
all. Planned and valued on all draws the same groups gain by luck too; both are told.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.plan import by_draw
from engine.optimize.risk.climb import Known, chances, known, solved_under
from engine.optimize.rules import Problem
from engine.optimize.solve import Memory, Solved

LOOKED_AT = 24  # draws that are solved to tell what knowing everything is worth
CHANNELS = 12  # most channels whose groups are planned: those whose own response promises most
GROUPS = 6  # most groups of one channel
MEMBERS = 16  # fewest draws of a group
STEP = 0.2  # of a channel's money: by how much more and less its response is looked at
CERTAIN = 1e-9  # of what a channel brings: a response that differs by less between draws is known already


@dataclass(frozen=True)
class PerfectInformation:
    """What knowing the draw before planning is worth, as a mean over draws [objective]."""

    lower: float  # by plans that were found
    upper: float  # by what no plan exceeds
    error: float  # standard error of both, where not all draws were solved
    solved: int  # draws that were
    proven: bool  # whether the upper figure rests on rigorous bounds


@dataclass(frozen=True)
class ChannelInformation:
    """What knowing one channel's own response before planning is worth [objective over the horizon]."""

    name: str
    gain: float  # planned on half of the draws, valued on the other, at least 0: too low rather than too high
    seen: float  # planned and valued on the same draws: too high by luck, yet no bound, because groups are coarse
    error: float  # standard error of the gain over draws
    looked_at: bool = True  # whether groups were planned; if not, `seen` is a guess from slopes and bends


@dataclass(frozen=True)
class _Responses:
    """What each channel brings by draw at the plan, and with a little less and more money."""

    spend: Float[np.ndarray, " channel"]  # where the channel is looked at [currency]
    less: Float[np.ndarray, "channel draw"]
    at: Float[np.ndarray, "channel draw"]
    more: Float[np.ndarray, "channel draw"]

    @property
    def slope(self) -> Float[np.ndarray, "channel draw"]:
        """Outcome of a little more money, per money."""
        return (self.more - self.at) / (STEP * self.spend[:, None])


def perfect_information(problem: Problem, solved: Solved, memory: Memory) -> PerfectInformation:
    """What it is worth to know the draw before planning: every draw's best plan against the plan.

    Args:
        problem: The question.
        solved: Its plan, made without knowing the draw.
        memory: Tables of earlier problems on the same curves.
    """
    plan = known(problem, solved.spend)
    base = chances(problem, len(plan.values))
    draws = _even_draws(plan.values, base)
    lower, upper, proven = [], [], True
    for draw in draws.tolist():
        best = solved_under(problem, np.eye(len(base))[draw], memory, plan)
        lower.append(best.value - plan.values[draw])
        upper.append(best.bound - plan.values[draw])
        proven = proven and best.proven
    odds = base[draws] / base[draws].sum() if len(draws) == len(base) else np.full(len(draws), 1 / len(draws))
    spread = float(np.std(lower) / np.sqrt(len(draws))) if len(draws) < len(base) else 0.0
    return PerfectInformation(float(odds @ lower), float(odds @ upper), spread, len(draws), proven)


def information(problem: Problem, solved: Solved, memory: Memory) -> tuple[ChannelInformation, ...]:
    """What it is worth to know each channel's own response before planning, by channel.

    Args:
        problem: The question.
        solved: Its plan, made without knowing more.
        memory: Tables of earlier problems on the same curves.
    """
    plan = known(problem, solved.spend)
    base = chances(problem, len(plan.values))
    responses = responses_of(problem, solved.spend)
    promise = promised(problem, responses, base)
    chosen = set(np.argsort(-promise, kind="stable")[:CHANNELS].tolist())
    found = []
    for channel, name in enumerate(problem.names):
        if not differs(responses, channel):
            found.append(ChannelInformation(name, 0.0, 0.0, 0.0))
        elif channel in chosen:
            groups = grouped(responses, channel, GROUPS)
            found.append(planned_by_group(problem, name, plan, groups, memory))
        else:
            found.append(ChannelInformation(name, 0.0, float(promise[channel]), 0.0, looked_at=False))
    return tuple(found)


def _even_draws(values: np.ndarray, base: np.ndarray) -> Int[np.ndarray, " some"]:
    """All draws, or some evenly from those in which the plan earns least to those in which it earns most."""
    if len(values) <= LOOKED_AT:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    middles = (np.arange(LOOKED_AT) + 0.5) / LOOKED_AT
    return order[np.minimum(np.searchsorted(np.cumsum(base[order]), middles), len(values) - 1)]


def responses_of(problem: Problem, spend: np.ndarray) -> _Responses:
    """Each channel at its money, where it has none at the mean channel's."""
    cells = spend.reshape(len(problem.names), -1)
    even = np.full(cells.shape, (float(spend.sum()) or problem.budget.high) / spend.size)
    money = np.where(cells.sum(axis=1, keepdims=True) > 0, cells, even)
    less, at, more = (by_draw(problem, (money * size).ravel())[0] for size in (1 - STEP, 1.0, 1 + STEP))
    return _Responses(money.sum(axis=1), less, at, more)


def promised(problem: Problem, responses: _Responses, base: np.ndarray) -> Float[np.ndarray, " channel"]:
    """About what knowing each channel is worth: its slope's square over twice its bend, or all that its money moves."""
    margin = np.array([payoff.margin for payoff in problem.payoffs])
    slope = responses.slope - (responses.slope @ base)[:, None]
    bend = np.abs((responses.more - 2 * responses.at + responses.less) @ base) / (STEP * responses.spend) ** 2
    with np.errstate(divide="ignore"):
        moved = np.minimum(np.abs(slope) / bend[:, None], 2 * responses.spend[:, None])
    return margin * ((np.abs(slope) * moved / 2) @ base)


def differs(responses: _Responses, channel: int) -> bool:
    """Whether a channel's response differs between draws."""
    scale = CERTAIN * float(np.abs(responses.more[channel]).max())
    return bool(max(np.ptp(responses.at[channel]), np.ptp(responses.more[channel])) > scale)


def grouped(responses: _Responses, channel: int, most: int) -> Int[np.ndarray, " draw"]:
    """The group of each draw: by how much more money brings, and within that by what the money brings."""
    draws = responses.at.shape[1]
    count = max(1, min(most, draws // MEMBERS))
    outer = -(-count // 2)
    by_slope = _ranked(responses.slope[channel]) * outer // draws
    group = np.zeros(draws, int)
    for one in range(outer):
        inside = np.flatnonzero(by_slope == one)
        halves = 2 if 2 * one + 1 < count else 1
        group[inside] = 2 * one + _ranked(responses.at[channel][inside]) * halves // len(inside)
    return group


def _ranked(values: np.ndarray) -> Int[np.ndarray, " draw"]:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")


def planned_by_group(
    problem: Problem, name: str, plan: Known, groups: Int[np.ndarray, " draw"], memory: Memory
) -> ChannelInformation:
    """What one channel's groups gain, on draws that they were not planned for and on those that they were."""
    base = chances(problem, len(plan.values))
    half = np.arange(len(groups)) % 2
    apart, seen = np.zeros(len(groups)), 0.0
    for group in np.unique(groups).tolist():
        inside = groups == group
        odds = np.where(inside, base, 0.0)
        best = solved_under(problem, odds / odds.sum(), memory, plan)
        seen += max(0.0, best.bound * float(odds.sum()) - float(odds @ plan.values))
        for side in (0, 1):
            planned, told = np.where(half == side, odds, 0.0), inside & (half != side)
            if planned.sum() > 0 and told.any():
                made = solved_under(problem, planned / planned.sum(), memory, plan)
                apart[told] = (known(problem, made.spend).values - plan.values)[told]
    gain = float(base @ apart)
    error = float(np.sqrt(base @ (apart - gain) ** 2 / len(base)))
    return ChannelInformation(name, max(0.0, gain), max(seen, gain), error)
