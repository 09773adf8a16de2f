"""Account: what a schedule earns and costs on each path, by span of time, and when the money comes in."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int

from engine.config.shocks import Sales
from engine.periods import PER_YEAR
from engine.response.curves import pace
from engine.simulate.team import Team, served
from engine.stress.levels import Levels
from engine.stress.play import outcomes
from engine.stress.setting import Setting, Working

ROUNDING = 1e-6  # of all money
TABLE = 400  # rates of leads at which the line is looked at, for all rates between


@dataclass(frozen=True)
class Account:
    """What happened on each path; a span is a decision, and the last one the tail where there is one."""

    outcome: Float[np.ndarray, "path span"]  # as the goal values it [outcome]
    by_channel: Float[np.ndarray, "path channel"]  # the same
    spend: Float[np.ndarray, "path decision channel"]  # [currency]
    profit: Float[np.ndarray, "path span"]  # margin on the outcome less spend; NaN where no margin is known [currency]
    cash: Float[np.ndarray, "path span"]  # the same when it is paid; what is paid later counts in the last span
    present: Float[np.ndarray, " path"]  # value at the start of all cash [currency]
    payback: Int[np.ndarray, " path"]  # first row by whose end cash has paid back what was spent; -1: none
    lost: Float[np.ndarray, "path span"]  # share of leads that nobody attends; 0 where nobody has to
    overspent: Float[np.ndarray, " path"]  # what is committed beyond the money that there is [currency]
    received: Float[np.ndarray, "path span"]  # what customers pay in it; cash and this less what media are paid
    received_now: Float[np.ndarray, "path span"]  # its value at the start [currency]
    received_years: Float[np.ndarray, "path span"]  # the same times the years until it is paid [currency x year]
    paid_now: Float[np.ndarray, "path span"]  # value at the start of what media are paid in it [currency]
    paid_years: Float[np.ndarray, "path span"]  # what they are paid, times the years until then [currency x year]


def account(
    setting: Setting,
    work: tuple[Working, ...],
    levels: Levels,
    money: Float[np.ndarray, "path period channel"],
    whole: Float[np.ndarray, " period"],
    count: int,
) -> Account:
    """What a schedule earns on some paths.

    Args:
        setting: The plan that was to be carried out.
        work: How the money of each channel works on the draws of the paths.
        levels: What shocks make of the world.
        money: What is spent [currency/period].
        whole: The money of the budget, of which shocks leave a share [currency/period].
        count: How many paths there are.
    """
    came = outcomes(setting, work, levels, money, count)
    attended, lost = _attended(setting, work, levels, came)
    came = came * attended[:, :, None]
    money = np.broadcast_to(money, (len(came), *money.shape[1:]))
    earned = _contribution(setting, came)
    spent = np.zeros(earned.shape)
    spent[:, : setting.periods] = money.sum(axis=2)
    terms = setting.planned.stress.cash
    received = _moved(setting, earned, terms.customers_pay_after + levels.delay)
    paid = _moved(setting, spent, np.full((1, setting.rows), float(terms.media_paid_after)))
    cash, present = received.money - paid.money, (received.now - paid.now).sum(axis=1)
    there = levels.money[:, : setting.periods] @ whole
    return Account(
        outcome=np.add.reduceat(came.sum(axis=2), setting.spans, axis=1),
        by_channel=came.sum(axis=1),
        spend=np.add.reduceat(money, setting.grid.edges[:-1], axis=1),
        profit=np.add.reduceat(earned - spent, setting.spans, axis=1),
        cash=np.add.reduceat(cash, setting.spans, axis=1),
        present=present,
        payback=_payback(cash, present),
        lost=np.add.reduceat(lost, setting.spans, axis=1) / np.diff([*setting.spans, setting.rows]),
        overspent=np.maximum(spent.sum(axis=1) - there * (1 + ROUNDING), 0.0),
        received=np.add.reduceat(received.money, setting.spans, axis=1),
        received_now=np.add.reduceat(received.now, setting.spans, axis=1),
        received_years=np.add.reduceat(received.years, setting.spans, axis=1),
        paid_now=np.add.reduceat(paid.now, setting.spans, axis=1),
        paid_years=np.add.reduceat(paid.years, setting.spans, axis=1),
    )


def joined(parts: list[Account]) -> Account:
    """The accounts of all paths, in order."""
    return Account(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Account)))


def margin_of(setting: Setting) -> Float[np.ndarray, " channel"]:
    """What is left of a unit of each channel's outcome in money, before the media; NaN where nobody says it."""
    asked, goal = setting.planned.stress.margin, setting.planned.goal.maximise
    known = setting.curves.is_money or goal == "clv"
    if asked is not None and known:
        return np.full(len(setting.names), asked)
    return setting.margins if goal in ("profit", "clv") else np.full(len(setting.names), np.nan)


def _contribution(setting: Setting, came: Float[np.ndarray, "path row channel"]) -> Float[np.ndarray, "path row"]:
    """What is left of the outcome by row, not discounted [currency/period]."""
    discount = np.stack([found.discount for found in setting.found], axis=1)
    told: Float[np.ndarray, "path row"] = (came / discount) @ margin_of(setting)
    return told


@dataclass(frozen=True)
class _Moved:
    """Money by the row in which it moves; what moves later counts in the last one."""

    money: Float[np.ndarray, "path row"]  # [currency/period]
    now: Float[np.ndarray, "path row"]  # its value at the start, by when it does move [currency/period]
    years: Float[np.ndarray, "path row"]  # the same times the years until it moves [currency x year/period]


def _moved(setting: Setting, money: Float[np.ndarray, "path row"], later: Float[np.ndarray, "some row"]) -> _Moved:
    """Money that moves so many periods later."""
    yearly, rows = 1 + setting.planned.stress.discount_rate, setting.rows
    when = np.broadcast_to(np.arange(rows) + later, money.shape)
    cells = np.arange(len(money))[:, None], np.minimum(when, rows - 1).astype(int)
    years = when / PER_YEAR[setting.curves.period]
    told = []
    for amounts in (money, money * yearly**-years, money * years):
        found = np.zeros(money.shape)
        np.add.at(found, cells, amounts)
        told.append(found)
    return _Moved(*told)


def _payback(cash: Float[np.ndarray, "path row"], present: Float[np.ndarray, " path"]) -> Int[np.ndarray, " path"]:
    """The first row by whose end cash has paid back what was spent; -1 where it has not, or is not known."""
    rows = cash.shape[1]
    below = np.cumsum(cash, axis=1) < 0
    last = np.where(below.any(axis=1), rows - 1 - below[:, ::-1].argmax(axis=1), -1)  # the last row in the red
    payback = np.where(last == rows - 1, -1, last + 1)
    return np.where(np.isfinite(present), payback, -1)


def _attended(
    setting: Setting, work: tuple[Working, ...], levels: Levels, came: Float[np.ndarray, "path row channel"]
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
    before = outcomes(setting, work, _calm(levels), money).mean(axis=0, keepdims=True)
    people = np.broadcast_to(np.round(levels.people * sales.people), came.shape[:2])
    served_then = _served(setting, before, np.full(before.shape[:2], float(sales.people)))
    now = _served(setting, came, people)
    return now / served_then, 1 - now


def _calm(levels: Levels) -> Levels:
    """No shocks."""
    one = np.ones_like(levels.money[:1])
    every = tuple(one for _ in levels.had)
    return Levels(had=every, effect=every, open=every, money=one, cut=0 * one, people=one, delay=0 * one)


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
