"""Exact answers that no analyst can have: what each channel did, and what each would do.

Every figure compares whole runs of the world that differ in spend alone, or is the derivative of such a run.
ROAS is the change of revenue over the change of total spend; revenue counts inside the window named, not
after it.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.simulate.journey import play, revenue
from engine.simulate.records import State, World

HORIZON = 52  # weeks of a response curve and of a carry-over kernel
MULTIPLES = np.linspace(0.0, 3.0, 25)  # of the historical mean spend


class Truth(NamedTuple):
    """What each channel did over the history, and would do in the year after it."""

    revenue: float  # over the history [currency]
    baseline: float  # the same with no spend at all [currency]
    spend: Float[np.ndarray, " channel"]  # over the history [currency]
    incremental: Float[np.ndarray, " channel"]  # revenue lost without this channel alone [currency]
    roas: Float[np.ndarray, " channel"]  # incremental / spend; NaN where nothing was spent
    marginal_roas: Float[np.ndarray, " channel"]  # revenue of 1 more, spread as the spend was
    multiples: Float[np.ndarray, " point"]  # of the historical mean spend
    curves: Float[np.ndarray, "point channel"]  # incremental revenue a week at a constant spend [currency/week]
    kernel: Float[np.ndarray, "period channel"]  # revenue in each week after 1 more in the first [1]


def truth(world: World, spend: Float[Array, "period channel"], end: State | None = None) -> Truth:
    """The truth about a history: leave-one-out, all-out baseline, margins; curves and kernels from its end on.

    A curve is the mean weekly revenue over `HORIZON` weeks after the history at a constant multiple of one
    channel's mean spend, less that at none, the others at their means. A kernel is the derivative of weekly
    revenue by spend of the first of those weeks, all channels at their means.

    All runs are one batch of plans with one direction of change each, so that one program is compiled.

    Args:
        end: The state at the end of the history, if known.
    """
    money = np.asarray(spend, float)
    weeks, count = money.shape
    after = play(world, money).end if end is None else end
    one = np.eye(count)
    factors = np.concatenate([np.ones((count, count)), np.zeros((1, count)), 1 - one])
    turned = np.concatenate([one, np.zeros((1 + count, count))])
    levels = 1 + (MULTIPLES[:, None, None] - 1) * one  # [point channel channel]
    constant = np.broadcast_to(money.mean(axis=0), (HORIZON, count))
    ahead = np.concatenate([levels.reshape(-1, count), np.ones((count, count))])[:, None, :] * constant
    pulse = np.zeros((len(ahead), HORIZON, count))
    pulse[-count:, 0] = one
    plans = [factors[:, None, :] * money, ahead]
    revenues, slopes = _batch(world, (world.start, after), plans, [turned[:, None, :] * money, pulse])
    past, margins = revenues[0][:, :weeks], slopes[0][:, :weeks]
    future, kernels = revenues[1][:, :HORIZON], slopes[1][:, :HORIZON]
    totals, values = past.sum(axis=1), future[:-count].mean(axis=1).reshape(len(MULTIPLES), count)
    spent = money.sum(axis=0)
    paid = np.where(spent > 0, spent, np.nan)
    incremental = totals[0] - totals[count + 1 :]
    return Truth(
        revenue=float(totals[0]),
        baseline=float(totals[count]),
        spend=spent,
        incremental=incremental,
        roas=incremental / paid,
        marginal_roas=margins[:count].sum(axis=1) / paid,
        multiples=MULTIPLES,
        curves=values - values[:1],
        kernel=kernels[-count:].T,
    )


def _batch(
    world: World,
    states: tuple[State, ...],
    plans: list[Float[np.ndarray, "_plan _period channel"]],
    changes: list[Float[np.ndarray, "_plan _period channel"]],
) -> tuple[list[Float[np.ndarray, "_plan period"]], list[Float[np.ndarray, "_plan period"]]]:
    """Revenue and its derivative along a change of each plan, for a list of plans from each state.

    Plans are filled up with weeks of no spend to one length, in which nothing is read.
    """
    longest = max(part.shape[1] for part in plans)
    begin = np.repeat(np.arange(len(states)), [len(part) for part in plans])
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    revenues, slopes = _respond(world, stacked, begin, _filled(plans, longest), _filled(changes, longest))
    cuts = np.cumsum([len(part) for part in plans])[:-1]
    return np.split(np.asarray(revenues), cuts), np.split(np.asarray(slopes), cuts)


def _filled(
    parts: list[Float[np.ndarray, "_plan _period channel"]], weeks: int
) -> Float[np.ndarray, "_plan _period channel"]:
    return np.concatenate([np.pad(part, ((0, 0), (0, weeks - part.shape[1]), (0, 0))) for part in parts])


@eqx.filter_jit
def _respond(
    world: World,
    states: State,
    begin: Int[Array, " plan"],
    plans: Float[Array, "plan period channel"],
    changes: Float[Array, "plan period channel"],
) -> tuple[Float[Array, "plan period"], Float[Array, "plan period"]]:
    """Revenue of each plan from its state, and its derivative along the plan's change."""

    def one(which: Array, plan: Array, change: Array) -> tuple[Array, Array]:
        state = jax.tree.map(lambda leaf: leaf[which], states)
        return jax.jvp(lambda money: revenue(world, money, state), (plan,), (change,))

    answer: tuple[Array, Array] = jax.vmap(one)(begin, plans, changes)
    return answer
