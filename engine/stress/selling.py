"""Selling: what people who sell make of leads, as a queue in which leads wait and are lost."""

import functools

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicHermiteSpline

from engine.config.shocks import Sales
from engine.response.curves import pace
from engine.simulate.team import Team, marginal, served
from engine.stress.levels import Levels, levels
from engine.stress.play import Paths, outcomes, works
from engine.stress.readout import quarters_of
from engine.stress.setting import Setting, Working

FEW, MANY = 1e-5, 1e3  # marketing's leads between which the share served is looked at [of what the team can do]
FAR, NEAR = 800, 500  # rates that are looked at, evenly by order of size: of all; on each side of a full team
KEPT = 256  # teams


def attended(
    setting: Setting, work: tuple[Working, ...], world: Levels, came: Float[np.ndarray, "path row channel"]
) -> tuple[Float[np.ndarray, "path row"], Float[np.ndarray, "path row"]]:
    """The share of the outcome that the people who sell can attend to, beside that of history's; and leads lost.

    What marketing's leads add is what is served with them beyond what would be without them. Curves hold what they
    added in the past, with as many as history's pace brings on the same draw, and to that share others are compared.
    Each week is looked at as if it lasted.
    """
    sales = setting.planned.stress.sales
    if sales is None:
        return np.ones(came.shape[:2]), np.zeros(came.shape[:2])
    usual = np.array([pace(channel, setting.curves.period) for channel in setting.curves.channels])
    money = np.broadcast_to(usual, (1, *setting.money.shape))
    before = outcomes(setting, work, levels(setting, ()), money)
    people = np.broadcast_to(np.round(world.people * sales.people), came.shape[:2])
    then, _ = _served(setting, before, np.full(before.shape[:2], float(sales.people)))
    now, lost = _served(setting, came, people)
    return now / np.tile(then, (len(came) // len(then), 1)), lost


def leads_of(setting: Setting, came: Float[np.ndarray, "path row channel"]) -> Float[np.ndarray, "path row"]:
    """Leads that come in each row, those without marketing too [1/period]; none where nobody has to sell."""
    sales = setting.planned.stress.sales
    if sales is None:
        return np.zeros(came.shape[:2])
    discount = np.stack([found.discount for found in setting.found], axis=1)
    sold = np.maximum((came / discount).sum(axis=2) / setting.curves.value, 0.0)
    told: Float[np.ndarray, "path row"] = sales.other_leads + sales.leads * sold
    return told


def team_of(sales: Sales, people: int) -> Team:
    """So many people as a queue."""
    variation = sales.variation if sales.service == "lognormal" else None
    return Team(people, sales.handling, sales.patience, sales.service, variation)


def _served(
    setting: Setting, came: Float[np.ndarray, "path row channel"], people: Float[np.ndarray, "path row"]
) -> tuple[Float[np.ndarray, "path row"], Float[np.ndarray, "path row"]]:
    """Of marketing's leads the share that is served beyond what would be without them; and the share of all lost."""
    sales = setting.planned.stress.sales
    if sales is None:
        return np.ones(came.shape[:2]), np.zeros(came.shape[:2])
    leads, other = leads_of(setting, came), sales.other_leads
    share, lost = np.zeros(came.shape[:2]), np.ones(came.shape[:2])
    for count in np.unique(people[people >= 1]):
        here = people == count
        without, line = beyond(team_of(sales, int(count)), other)
        come = np.maximum(leads[here], other)
        more = come - other
        seen = np.minimum(more, line.x[-1])  # a team that is full by far serves no more of more leads
        share[here] = line(seen) * np.divide(seen, more, out=np.ones_like(more), where=more > 0)
        done = without + share[here] * more
        lost[here] = np.maximum(1 - np.divide(done, come, out=np.ones_like(come), where=come > 0), 0.0)
    return share, lost


@functools.lru_cache(maxsize=KEPT)
def beyond(team: Team, other: float) -> tuple[float, CubicHermiteSpline]:
    """Leads served without marketing, and the share of marketing's that are served beyond these, by how many they are.

    Where the share is looked at depends on nothing but the team and the other leads, so a path does not depend on those
    beside it; between these it is a cubic with the line's own slopes, closest where the team gets full.
    """
    around = np.geomspace(FEW, 1.0, NEAR)
    spare = 1 - other / team.capacity
    looked = np.unique(np.concatenate([np.geomspace(FEW, MANY, FAR), spare - around, spare + around]))
    more = team.capacity * looked[(looked >= FEW) & (looked <= MANY)]
    without, first = float(served(team, np.array([other]))[0]), float(marginal(team, np.array([other]))[0])
    share = (served(team, other + more) - without) / more
    slope = (marginal(team, other + more) - share) / more
    rates, shares = np.append(0.0, more), np.append(first, share)
    return without, CubicHermiteSpline(rates, shares, np.append((share[0] - first) / more[0], slope))


def queue(setting: Setting) -> tuple[tuple[str, float, float], ...]:
    """By quarter, in the plan without shocks: the share of leads lost in line, and what a further lead adds."""
    sales = setting.planned.stress.sales
    if sales is None:
        return ()
    every = np.arange(setting.curves.draws)
    paths = Paths(every, every)
    came = outcomes(setting, works(setting, paths), levels(setting, ()), setting.money[None])
    leads, team, told = leads_of(setting, came), team_of(sales, sales.people), []
    for name, spans in quarters_of(setting):
        if spans[0] < setting.grid.count:
            rows = leads[:, setting.spans[spans[0]] : setting.grid.edges[spans[-1] + 1]]
            lost = 1 - served(team, rows).sum() / max(float(rows.sum()), np.finfo(float).tiny)
            told.append((name, float(lost), float(marginal(team, rows).mean())))
    return tuple(told)
