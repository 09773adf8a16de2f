"""Erlang's and Palm's queues in closed form, at any load, without a sum that cancels or overflows.

Time is counted in mean handling times. Free reps, and leads in line while all reps are busy, are runs that stop at
once or are one longer than the next run, so every sum has positive terms alone.

Sources: Erlang (1917), Solution of some problems in the theory of probabilities; Palm (1957), Research on telephone
traffic carried by full availability groups; Garnett, Mandelbaum, Reiman (2002), Designing a call center with impatient
customers.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.axes import Array

AHEAD = 16  # leads in line that are counted one by one before the rest is integrated
NODES, WEIGHTS = (0.5 * (part + shift) for part, shift in zip(np.polynomial.legendre.leggauss(80), (1, 0), strict=True))
NEGLIGIBLE = 45.0  # exp(-45) is below the last digit of 1


class Run(NamedTuple):
    """How far a run goes that stops at once by some chance, and else goes one further than the next run."""

    stops: Float[Array, "*shape"]  # chance
    goes: Float[Array, "*shape"]  # one less it
    mean: Float[Array, "*shape"]
    variance: Float[Array, "*shape"]


class Balance(NamedTuple):
    """A team in the long run."""

    full: Float[Array, "*shape"]  # chance that all reps are busy
    free: Float[Array, "*shape"]  # chance that one is free
    busy: Float[Array, "*shape"]  # mean number of busy reps while one is free
    spare: Run  # free reps beyond the first, while one is free
    each: Float[Array, "*shape"]  # mean wait of those that wait [handling times]


def balance(reps: int, patience: float, load: Float[Array, "*shape"]) -> Balance:
    """Chances of all busy and one free, by balance between Erlang's loss formula and the stop of the line.

    The loss formula is the chance that of n reps none is free: a B / (n + a B) with B that of n - 1 reps, a the load.

    Args:
        reps: At least 1.
        patience: Mean, above 0; inf: never lost [handling times].
        load: Leads that come [leads/handling time].

    >>> float(balance(2, np.inf, np.array(1.0)).full.round(6))  # Erlang C
    0.333333
    """
    nothing = np.zeros_like(load)
    loss = spare = Run(nothing + 1, nothing, nothing, nothing)
    for number in range(1, reps + 1):
        loss, spare = _longer(loss, load * loss.stops, float(number)), loss
    stops, each = _line(reps, patience, load)
    weight = loss.stops + loss.goes * stops
    return Balance(loss.stops / weight, loss.goes * stops / weight, load * spare.goes, spare, each)


def at_work(reps: int, patience: float, load: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The mean number of busy reps, which is the leads served in a handling time; arguments of `balance`."""
    state = balance(reps, patience, load)
    return np.asarray(state.full * reps + state.free * state.busy)


def further(reps: int, patience: float, load: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The slope of `at_work` over the load, for finite patience.

    Chances of states are an exponential family in the log of the load, so the slope is the covariance of busy reps
    and leads in the system, over the load.
    """
    state = balance(reps, patience, load)
    gap = 1 + state.spare.mean
    shared = state.free * (state.full * gap * (gap + load * state.each) + state.spare.variance)
    return np.asarray(np.divide(shared, load, out=np.ones_like(load), where=load > 0))


def _longer(run: Run, stops: Float[Array, "*shape"], goes: Float[Array, "*shape"] | float) -> Run:
    """The run that stops at once, or goes on to be one longer than `run`, in these proportions."""
    total = stops + goes
    stop, go = stops / total, goes / total
    return Run(stop, go, go * (1 + run.mean), go * (run.variance + stop * (1 + run.mean) ** 2))


def _line(
    reps: int, patience: float, load: Float[Array, "*shape"]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """While all reps are busy: the chance of nobody in line, and the mean wait of a lead that comes.

    The number in line has weights y^j / ((x + 1) ... (x + j)): x is what the team can serve and y what comes within
    the mean patience. It is a run whose next one has x + 1 for x.
    """
    if np.isinf(patience):
        stops = np.maximum(1 - load / reps, 0.0)
        return stops, np.divide(1 / reps, stops, out=np.full_like(load, np.inf), where=stops > 0)
    serve, come = reps * patience, load * patience
    run = _far(serve + AHEAD, come)
    for ahead in range(AHEAD, 1, -1):
        run = _longer(run, run.stops, come / (serve + ahead))
    left = (serve + 1) * run.stops + come
    return (serve + 1) * run.stops / left, patience * (1 + run.mean) / left


def _far(serve: float, come: Float[Array, "*shape"]) -> Run:
    """The line as a run, by Gauss-Legendre quadrature, for `serve` of at least about 10.

    The sum of the weights is x times the integral of exp(y (1 - exp(-t)) - x t) over t > 0, and given t the number
    in line is Poisson with mean y (1 - exp(-t)). The exponent is concave: it is measured from its peak, and integrated
    between bounds beyond which it is below -45.
    """
    peak = np.log(np.maximum(come / serve, 1.0))
    bend, fall = np.minimum(come, serve), np.maximum(serve - come, 0.0)
    steep = 2 * fall - NEGLIGIBLE
    upper = 4 * NEGLIGIBLE / (steep + np.sqrt(steep**2 + 8 * NEGLIGIBLE * serve))  # u + exp(-u) - 1 >= u^2 / (2 + u)
    lower = -np.minimum(peak, np.sqrt(2 * NEGLIGIBLE / serve))
    offset = lower[..., None] + (upper - lower)[..., None] * NODES
    density = np.exp(-bend[..., None] * (offset + np.expm1(-offset)) - fall[..., None] * offset) * WEIGHTS
    area = density.sum(axis=-1)
    crowd = -come[..., None] * np.expm1(-(peak[..., None] + offset))
    mean = (density * crowd).sum(axis=-1) / area
    variance = mean + (density * (crowd - mean[..., None]) ** 2).sum(axis=-1) / area
    height = np.maximum(come - serve, 0.0) - serve * peak
    stops = np.exp(-height) / (serve * area * (upper - lower))
    return Run(stops, 1 - stops, mean, variance)
