"""Selling: what people who sell make of leads, as a queue in which leads wait and are lost."""

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Sales
from engine.response.curves import pace
from engine.simulate.team import Team, marginal, served
from engine.stress.levels import Levels, levels
from engine.stress.play import Paths, outcomes, works
from engine.stress.readout import quarters_of
from engine.stress.setting import Setting, Working

LEAST = 1e-6  # of the most leads: where the share of a further one is looked at
TABLE = 400  # rates of leads at which the line is looked at, for all rates between


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
        here, team = people == count, team_of(sales, int(count))
        most = max(float(leads[here].max()) - other, LEAST * (1 + other))
        more = most * np.maximum(np.linspace(0.0, 1.0, TABLE) ** 2, LEAST)
        without, come = float(served(team, np.array([other]))[0]), other + more
        done = served(team, come)
        share[here] = np.interp(leads[here] - other, more, (done - without) / more)
        lost[here] = np.interp(leads[here] - other, more, 1 - done / come)
    return share, lost


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
