"""Luck: what chance makes of each shock on each path.

Every number depends on the seed, the name of what it is for and the number of its path alone (Philox, counter-based):
any path can be drawn by itself, in any order, and a further shock changes nothing in the luck of the others.
"""

import difflib
import hashlib
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr, ndtri

from engine.config.scenario import Scenario
from engine.config.shocks import Shock, Spread
from engine.errors import InputError

BLOCK = 1024  # paths whose numbers are drawn together
MARGIN = NormalDist().inv_cdf(0.95)  # standard deviations from the middle to the 5 and 95 % points
LEAST_EIGENVALUE = 1e-10  # of a correlation matrix: below it some combination of drivers has no variance


@dataclass(frozen=True)
class Met:
    """What luck makes of one shock on some paths."""

    shock: Shock
    comes: Bool[np.ndarray, " path"]
    factor: Float[np.ndarray, " path"]  # 1 where the shock has none
    later: Int[np.ndarray, " path"]  # periods by which it begins later than written


def uniform(seed: int, name: str, paths: Int[np.ndarray, " path"]) -> Float[np.ndarray, " path"]:
    """Numbers between 0 and 1 for some paths, the same whichever others are asked for."""
    stream = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
    blocks, inside = np.divmod(paths, BLOCK)
    found = np.empty(len(paths))
    for block in np.unique(blocks):
        here = blocks == block
        numbers = np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, 0, 0, block])).random(BLOCK)
        found[here] = numbers[inside[here]]
    return found


def met(scenario: Scenario, shocks: tuple[Shock, ...], seed: int, paths: Int[np.ndarray, " path"]) -> list[Met]:
    """What luck makes of some shocks; those with one driver share it, and their sizes are tied as the scenario says.

    Whether a shock comes, and when, is tied to nothing but its driver: chances stay what they are for any two of them.

    Raises:
        InputError: The correlations fit no drivers.
    """
    count = len(paths)
    sizes = _sizes(scenario, tuple(shock for shock in shocks if isinstance(shock.factor, Spread)), seed, paths)
    found = []
    for shock in shocks:
        driver, later = shock.driver or shock.name, np.zeros(count, int)
        if shock.within > 1:
            later = (uniform(seed, f"when of {driver}", paths) * shock.within).astype(int)
        comes = np.ones(count, bool)
        if shock.chance < 1:
            comes = uniform(seed, f"comes of {driver}", paths) < shock.chance
        found.append(Met(shock, comes, sized(shock, sizes.get(driver, np.zeros(count))), later))
    return found


def sized(shock: Shock, share: Float[np.ndarray, " path"]) -> Float[np.ndarray, " path"]:
    """The factor of which a share of all is smaller."""
    factor = shock.factor
    return quantile(factor, share) if isinstance(factor, Spread) else np.full(len(share), shock.size)


def quantile(spread: Spread, share: Float[np.ndarray, " path"]) -> Float[np.ndarray, " path"]:
    """The point of a spread below which a share of it lies.

    >>> quantile(Spread(low=0.0, mode=1.0, high=2.0), np.array([0.0, 0.125, 0.5, 1.0])).tolist()
    [0.0, 0.5, 1.0, 2.0]
    """
    if spread.low is not None and spread.mode is not None and spread.high is not None:
        low, mode, high = spread.low, spread.mode, spread.high
        width = max(high - low, np.finfo(float).tiny)
        below = low + np.sqrt(share * width * (mode - low))
        found: Float[np.ndarray, " path"] = np.where(
            share * width < mode - low, below, high - np.sqrt((1 - share) * width * (high - mode))
        )
        return found
    if spread.p05 is not None and spread.p95 is not None:
        middle, width = np.log([spread.p05, spread.p95]).mean(), np.log(spread.p95 / spread.p05) / (2 * MARGIN)
        return np.exp(middle + width * ndtri(np.clip(share, 1e-16, 1 - 1e-16)))
    chances = spread.chances or (1 / len(spread.values),) * len(spread.values)
    reached = np.searchsorted(np.cumsum(chances)[:-1], share, "right")
    return np.array(spread.values)[reached]


def _sizes(
    scenario: Scenario, shocks: tuple[Shock, ...], seed: int, paths: Int[np.ndarray, " path"]
) -> dict[str, Float[np.ndarray, " path"]]:
    """Numbers between 0 and 1 for the sizes of each driver's shocks (Gaussian copula)."""
    asked = scenario.stress.correlation
    drivers = {shock.driver or shock.name for shock in shocks}
    tied = sorted({*asked, *(other for row in asked.values() for other in row)})
    tied = tied if drivers & {*tied} else []
    normal = {name: ndtri(uniform(seed, f"size of {name}", paths)) for name in sorted({*drivers, *tied})}
    if tied:
        mixed = _root(scenario, tied) @ np.array([normal[name] for name in tied])
        normal |= dict(zip(tied, mixed, strict=True))
    return {name: ndtr(normal[name]) for name in drivers}


def require_correlation(scenario: Scenario) -> None:
    """Refuse correlations of unknown drivers, those that no drivers can have, and luck that is shared unasked."""
    asked = scenario.stress.correlation
    names = [shock.name for shock in scenario.shocks if shock.is_random and shock.driver is None]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"scenario {scenario.name!r}: two shocks that chance decides are called {twice[0]!r} and would share their "
            "luck; give each its own name, or both one driver where that is meant"
        )
    drivers = {shock.driver or shock.name for shock in scenario.shocks}
    tied = sorted({*asked, *(other for row in asked.values() for other in row)})
    if odd := [name for name in tied if name not in drivers]:
        close = difflib.get_close_matches(odd[0], drivers, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(
            f"scenario {scenario.name!r}: stress.correlation names {odd[0]!r}, which drives no shock; {hint}"
            f"drivers there: {', '.join(sorted(drivers)) or 'none'}"
        )
    if tied:
        _root(scenario, tied)


def _root(scenario: Scenario, tied: list[str]) -> Float[np.ndarray, "driver driver"]:
    """The lower triangle whose square is the correlation of some drivers."""
    place, matrix = f"scenario {scenario.name!r}: stress.correlation", np.eye(len(tied))
    given = [(name, other, value) for name, row in scenario.stress.correlation.items() for other, value in row.items()]
    for number, (name, other, value) in enumerate(given):
        if name == other or any({name, other} == {*before[:2]} for before in given[:number]):
            raise InputError(f"{place} gives {name!r} and {other!r} twice or one with itself; give each pair once")
        at = tied.index(name), tied.index(other)
        matrix[at] = matrix[at[::-1]] = value
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < LEAST_EIGENVALUE:
        raise InputError(
            f"{place}: no drivers can be correlated so (the least eigenvalue of their matrix is {least:.3g}, not "
            "above 0); bring the numbers nearer to 0, or give drivers that move as one the same name under driver"
        )
    return np.linalg.cholesky(matrix)
