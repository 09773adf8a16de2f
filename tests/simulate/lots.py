"""People by lot: the luck of one person in formulas, and of many in draws, for the tests of the linear noise."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from engine.simulate.journey import expose, money_each
from engine.simulate.stages import CONSUMER


def whole(world, people):
    """A start with whole people, so that lots can be drawn from it."""
    counts = np.round(np.asarray(world.start.people) * people)
    counts[:, 0] += np.round(np.asarray(world.start.people).sum(axis=1) * people) - counts.sum(axis=1)
    return counts.astype(int), dataclasses.replace(world.start, people=jnp.asarray(counts / people))


def one_week(rates):
    """The chances of one person to be anywhere a week later, and whether a purchase led there."""
    chance = np.eye(len(CONSUMER.stages))
    for place in range(len(CONSUMER.stages)):
        leaving = [move for move in range(len(CONSUMER.moves)) if CONSUMER.source[move] == place]
        total = sum(rates[move] for move in leaving)
        chance[place, place] = np.exp(-total)
        for move in leaving:
            chance[place, CONSUMER.target[move]] = rates[move] / total * -np.expm1(-total) if total else 0.0
    buys = np.zeros_like(chance)
    buys[CONSUMER.stage("considering"), CONSUMER.stage("customer")] = 1.0
    return chance, buys


def moments(rates, weeks):
    """Mean and variance of one person's purchases by the stage now: a recursion from the last week back."""
    chance, buys = one_week(rates)
    further = np.zeros(len(CONSUMER.stages))
    further[[CONSUMER.stage("customer"), CONSUMER.stage("advocate")]] = rates[-1] * np.array([1.0, 1.5])
    mean, square = np.zeros_like(further), np.zeros_like(further)
    for _ in range(weeks):
        ahead = (chance * (buys + mean)).sum(axis=1)
        ahead_square = (chance * (buys + 2 * buys * mean + square)).sum(axis=1)
        square = ahead_square + 2 * ahead * further + further + further**2
        mean = ahead + further
    return mean, square - mean**2


def lot(world, hazard, there):
    """The covariance of a week's events of one person of a segment, from the hazards, stage by stage."""
    ladder = world.ladder
    told = np.zeros((len(ladder.events), len(ladder.events)))
    for stage, people in enumerate(there):
        leaving = np.flatnonzero(ladder.source == stage)
        total = hazard[leaving].sum()
        chance = hazard[leaving] * (-np.expm1(-total) / total if total else 1.0)
        told[np.ix_(leaving, leaving)] = people * (np.diag(chance) - np.outer(chance, chance))
    again = there[ladder.stage("customer")] + float(world.hazards.advocate_repeat) * there[ladder.stage("advocate")]
    told[-1, -1] = again * hazard[-1]
    return told


def draw(luck, world, counts, hazard):
    """What whole people do in a week: moves by lot per stage, further purchases by Poisson's law."""
    ladder = world.ladder
    events = np.zeros(hazard.shape, int)
    for stage in range(len(ladder.stages)):
        leaving = np.flatnonzero(ladder.source == stage)
        total = hazard[..., leaving].sum(axis=-1, keepdims=True)
        chance = hazard[..., leaving] * np.where(total > 0, -np.expm1(-total) / np.where(total > 0, total, 1), 1)
        stay = 1 - chance.sum(axis=-1, keepdims=True)
        events[..., leaving] = luck.multinomial(counts[..., stage], np.concatenate([chance, stay], axis=-1))[..., :-1]
    pace = hazard[..., -1]
    customers, advocates = counts[..., ladder.stage("customer")], counts[..., ladder.stage("advocate")]
    events[..., -1] = luck.poisson(pace * customers) + luck.poisson(
        pace * float(world.hazards.advocate_repeat) * advocates
    )
    return events


def by_lot(world, spend, people, runs, seed):
    """Many runs at once of whole people: revenue, new customers, money spent, people, by run and week."""
    luck = np.random.default_rng(seed)
    counts, start = whole(world, people)
    ladder = world.ladder
    look = jax.jit(jax.vmap(lambda state, money: expose(world, state, money), in_axes=(0, None)))
    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (runs, *leaf.shape)), start)
    counts = np.broadcast_to(counts, (runs, *counts.shape))
    told = {name: [] for name in ("revenue", "customers", "spent", "people")}
    each = float(world.population) / people
    for number, money in enumerate(spend):
        seen = look(states, jnp.asarray(money))
        events = draw(luck, world, counts, np.asarray(seen.hazard).sum(axis=1))
        counts = counts + (events[..., :-1] @ ladder.change).astype(int)
        states = eqx.tree_at(lambda state: state.people, seen.after, jnp.asarray(counts / people))
        bought = events[..., ladder.event("buy")] + events[..., ladder.event("repeat")]
        told["revenue"].append(each * bought @ np.asarray(money_each(world, jnp.array(number))))
        told["customers"].append(each * events[..., ladder.event("buy")].sum(axis=-1))
        told["spent"].append(np.asarray(seen.spent).sum(axis=-1))
        told["people"].append(each * counts)
    return {name: np.stack(weeks, axis=1) for name, weeks in told.items()}
