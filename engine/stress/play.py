"""Play: what a schedule of money brings on paths of shocks, row by row, each path with a draw of its own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.stress.levels import Level, Levels
from engine.stress.setting import Setting, Working, working


@dataclass(frozen=True)
class Paths:
    """Some paths: each of some draws as often as the others, in turn."""

    number: Int[np.ndarray, " path"]
    draws: Int[np.ndarray, " draw"]  # of the curves, by rising number; these paths have them in turn

    @property
    def repeats(self) -> int:
        """How many paths have the same draw."""
        return len(self.number) // len(self.draws)


def paths_of(count: int, draws: int, together: int) -> list[Paths]:
    """All paths in pieces: blocks in which each draw has its turn, and a last one with some draws, evenly chosen.

    Args:
        count: Paths in all.
        draws: Of the curves.
        together: Paths of a piece, about.

    >>> [(len(piece.number), piece.draws.tolist()) for piece in paths_of(5, 2, 4)]
    [(4, [0, 1]), (1, [0])]
    """
    whole, rest = divmod(count, draws)
    step, found = max(1, together // draws), []
    for begin in range(0, whole, step):
        end = min(begin + step, whole)
        found.append(Paths(np.arange(begin * draws, end * draws), np.arange(draws)))
    if rest:
        found.append(Paths(np.arange(whole * draws, count), np.arange(rest) * draws // rest))
    return found


def works(setting: Setting, paths: Paths) -> tuple[Working, ...]:
    """How the money of each channel works on the draws of some paths."""
    return tuple(working(setting, channel, paths.draws) for channel in range(len(setting.names)))


def outcomes(
    setting: Setting,
    work: tuple[Working, ...],
    levels: Levels,
    money: Float[np.ndarray, "#path period channel"],
    count: int = 1,
) -> Float[np.ndarray, "path row channel"]:
    """Outcome of each channel by row, as the goal values it, before anybody has to sell it.

    Args:
        setting: The plan.
        work: Of each channel, on the draws of these paths.
        levels: What shocks make of the world.
        money: What is really spent; one path where it is the same on all [currency/period].
        count: Paths that are told at least, where nothing but their draws tells them apart.
    """
    draws = len(work[0].without)
    apart = (len(level) for level in (*levels.had, *levels.effect))
    paths = max(count, len(money), draws, *apart)
    found = np.moveaxis(np.empty((len(work), paths, setting.rows)), 0, 2)  # each channel's together in memory
    for channel, one in enumerate(work):
        came = brought_by(setting, channel, one, (levels.had[channel], money[:, :, channel]), paths)
        np.multiply(came, levels.effect[channel] * setting.found[channel].worth, out=found[:, :, channel])
    return found


def brought_by(
    setting: Setting, channel: int, one: Working, spent: tuple[Level, Float[np.ndarray, "#path period"]], count: int
) -> Float[np.ndarray, "path row"]:
    """Outcome of a channel by row, without the effects of shocks and of the plan.

    Args:
        setting: The plan.
        channel: Its number.
        one: How its money works.
        spent: Contacts that a unit of money buys beside what the plan knows, and the money [currency/period].
        count: Paths.
    """
    draws, (had, money) = len(one.without), spent
    bought = money * had[:, : setting.periods] * setting.found[channel].had[: setting.periods]
    if len(bought) == 1:
        came = one.brought(np.broadcast_to(bought[None], (1, draws, setting.periods)))
    else:
        came = one.brought(bought.reshape(-1, draws, setting.periods))
    return np.broadcast_to(came, (count // draws, draws, setting.rows)).reshape(count, setting.rows)
