"""Many plans in one world, beside each other, each with the derivative along a change of its own.

Plans are worked through in batches of one size and a year at a time, so that any number of plans of any
length shares one compiled program, and memory does not grow with their number.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.compiling import quickly
from engine.double import jax
from engine.simulate.journey import YEAR, advance
from engine.simulate.records import State, World

BATCH = 32  # plans at once

Kept = dict[str, Any]
"""A state without its week, by field."""


class Told(NamedTuple):
    """What is told of each week of each plan, or how that changes along the plan's direction."""

    revenue: Float[Array, "*plan period"]  # [currency/week]
    spent: Float[Array, "*plan period channel"]  # money that was really spent [currency/week]
    won: Float[Array, "*plan period segment"]  # new customers [people/week]


def play_all(
    world: World,
    begin: State,
    plans: Float[np.ndarray, "plan period channel"],
    changes: Float[np.ndarray, "plan period channel"] | None = None,
) -> tuple[Told, Told]:
    """What each plan brings from a state on, and the derivative of that along the plan's change.

    Args:
        plans: Money that may be spent by week and channel [currency/week].
        changes: Directions, in the units of the plans; none if not given.

    A plan's answer does not depend on the plans beside it.
    """
    turned = np.zeros_like(plans) if changes is None else changes
    parts = [
        _batch(world, begin, plans[first : first + BATCH], turned[first : first + BATCH])
        for first in range(0, len(plans), BATCH)
    ]
    value, slope = (
        Told(*(np.concatenate(each) for each in zip(*side, strict=True))) for side in zip(*parts, strict=True)
    )
    return value, slope


def _batch(
    world: World,
    begin: State,
    plans: Float[np.ndarray, "_some period channel"],
    changes: Float[np.ndarray, "_some period channel"],
) -> tuple[Told, Told]:
    """At most `BATCH` plans, filled up to as many and to whole years with weeks in which nothing is read."""
    count, weeks, _ = plans.shape
    room = ((0, BATCH - count), (0, -weeks % YEAR), (0, 0))
    money, turned = np.pad(plans, room), np.pad(changes, room)
    week = np.asarray(begin.week)
    now = jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf), (BATCH, *np.shape(leaf))), _kept(begin))
    drift = jax.tree.map(np.zeros_like, now)
    years = []
    for first in range(0, money.shape[1], YEAR):
        span = slice(first, first + YEAR)
        told, (now, drift) = _year(world, week + first, (now, drift), money[:, span], turned[:, span])
        years.append(jax.tree.map(np.asarray, told))
    value, slope = (
        Told(*(np.concatenate(each, axis=1)[:count, :weeks] for each in zip(*side, strict=True)))
        for side in zip(*years, strict=True)
    )
    return value, slope


def _kept(state: State) -> Kept:
    """What a state holds beside its week, which is the same for all plans and has no derivative."""
    return {field.name: getattr(state, field.name) for field in dataclasses.fields(state) if field.name != "week"}


@quickly
def _year(
    world: World,
    week: Int[Array, ""],
    states: tuple[Kept, Kept],
    plans: Float[Array, "plan period channel"],
    changes: Float[Array, "plan period channel"],
) -> tuple[tuple[Told, Told], tuple[Kept, Kept]]:
    """A year of every plan from its own state: what is told and the state after it, each with its derivative."""

    def play(kept: Kept, money: Array) -> tuple[Told, Kept]:
        def step(now: State, spend: Array) -> tuple[State, Told]:
            after, told = advance(world, now, spend)
            return after, Told(told.revenue, told.spent, told.flows[:, world.ladder.event("buy")])

        end, told = jax.lax.scan(step, State(week=week, **kept), money)
        return told, _kept(end)

    def turn(kept: Kept, drift: Kept, money: Array, change: Array) -> tuple[tuple[Told, Told], tuple[Kept, Kept]]:
        (told, end), (slope, moved) = jax.jvp(play, (kept, money), (drift, change))
        return (told, slope), (end, moved)

    answer: tuple[tuple[Told, Told], tuple[Kept, Kept]] = jax.vmap(turn)(*states, plans, changes)
    return answer
