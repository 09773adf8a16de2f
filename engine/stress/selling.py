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

TABLE = 400  # rates of leads at which the line is looked at, for all rates between


def attended(
    setting: Setting, work: tuple[Working, ...], world: Levels, came: Float[np.ndarray, "path row channel"]
) -> tuple[Float[np.ndarray, "path row"], Float[np.ndarray, "path row"]]:
    """The share of the outcome that the people who sell can attend to, beside that of history's; and leads lost.

    Curves hold what was sold in the past, with as many leads as history's pace brings: to their share that was served
    others are compared.
    """
    sales = setting.planned.stress.sales
    if sales is None:
        return np.ones(came.shape[:2]), np.zeros(came.shape[:2])
    usual = np.array([pace(channel, setting.curves.period) for channel in setting.curves.channels])
    money = np.broadcast_to(usual, (1, *setting.money.shape))
    before = outcomes(setting, work, levels(setting, ()), money).mean(axis=0, keepdims=True)
    people = np.broadcast_to(np.round(world.people * sales.people), came.shape[:2])
    served_then = _served(setting, before, np.full(before.shape[:2], float(sales.people)))
    now = _served(setting, came, people)
    return now / served_then, 1 - now


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
) -> Float[np.ndarray, "path row"]:
    """The share of leads that is served when so many people attend to what came."""
    sales = setting.planned.stress.sales
    if sales is None:
        return np.ones(came.shape[:2])
    leads, share = leads_of(setting, came), np.zeros(came.shape[:2])
    for count in np.unique(people[people >= 1]):
        here = people == count
        known = np.maximum(np.linspace(0.0, 1.0, TABLE) ** 2 * leads[here].max(), np.finfo(float).tiny)
        share[here] = np.interp(leads[here], known, served(team_of(sales, int(count)), known) / known)
    return share


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
