"""Account: what a schedule earns and costs on each path, by span of time, and when the money comes in."""

import importlib
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.periods import PER_YEAR
from engine.stress.levels import Levels
from engine.stress.play import outcomes
from engine.stress.policies import Spending
from engine.stress.setting import Setting, Working

ROUNDING = 1e-6  # of all money
OF_PROFIT = ("profit", "clv")  # goals that are money left, by which policies are ranked and tuned, not by outcome


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
    anew: Bool[np.ndarray, "path decision"]  # whether the rest was planned anew at the beginning of a decision


def account(
    setting: Setting,
    work: tuple[Working, ...],
    levels: Levels,
    spending: Spending,
    whole: Float[np.ndarray, " period"],
    count: int,
) -> Account:
    """What a schedule earns on some paths.

    Args:
        setting: The plan that was to be carried out.
        work: How the money of each channel works on the draws of the paths.
        levels: What shocks make of the world.
        spending: What is spent [currency/period], and where it was decided anew.
        whole: The money of the budget, of which shocks leave a share [currency/period].
        count: How many paths there are.
    """
    came = outcomes(setting, work, levels, spending.money, count)
    lost = np.zeros(came.shape[:2])
    if setting.planned.stress.sales:  # what simulates is loaded only where somebody has to sell
        attended, lost = importlib.import_module("engine.stress.selling").attended(setting, work, levels, came)
        came = came * attended[:, :, None]
    money = np.broadcast_to(spending.money, (len(came), *spending.money.shape[1:]))
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
        payback=_payback(cash, received.late, present),
        lost=np.add.reduceat(lost, setting.spans, axis=1) / np.diff([*setting.spans, setting.rows]),
        overspent=np.maximum(spent.sum(axis=1) - there * (1 + ROUNDING), 0.0),
        received=np.add.reduceat(received.money, setting.spans, axis=1),
        received_now=np.add.reduceat(received.now, setting.spans, axis=1),
        received_years=np.add.reduceat(received.years, setting.spans, axis=1),
        paid_now=np.add.reduceat(paid.now, setting.spans, axis=1),
        paid_years=np.add.reduceat(paid.years, setting.spans, axis=1),
        anew=np.broadcast_to(spending.anew, (len(came), setting.grid.count)),
    )


def joined(parts: list[Account]) -> Account:
    """The accounts of all paths, in order."""
    return Account(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Account)))


def margin_of(setting: Setting) -> Float[np.ndarray, " channel"]:
    """What is left of a unit of each channel's outcome in money, before the media; NaN where nobody says it."""
    asked, goal = setting.planned.stress.margin, setting.planned.goal.maximise
    if asked is not None and setting.curves.is_money:
        return np.full(len(setting.names), asked)
    return setting.margins if goal in OF_PROFIT else np.full(len(setting.names), np.nan)


def _contribution(setting: Setting, came: Float[np.ndarray, "path row channel"]) -> Float[np.ndarray, "path row"]:
    """What is left of the outcome by row, not discounted [currency/period]."""
    discount = np.stack([found.discount for found in setting.found], axis=1)
    told: Float[np.ndarray, "path row"] = np.einsum("prc,rc->pr", came, margin_of(setting) / discount)
    return told


@dataclass(frozen=True)
class _Moved:
    """Money by the row in which it moves; what moves later counts in the last one."""

    money: Float[np.ndarray, "path row"]  # [currency/period]
    now: Float[np.ndarray, "path row"]  # its value at the start, by when it does move [currency/period]
    years: Float[np.ndarray, "path row"]  # the same times the years until it moves [currency x year/period]
    late: Float[np.ndarray, " path"]  # of the last row's money, what moves only after it [currency/period]


def _moved(setting: Setting, money: Float[np.ndarray, "path row"], later: Float[np.ndarray, "some row"]) -> _Moved:
    """Money that moves so many periods later."""
    yearly, rows = 1 + setting.planned.stress.discount_rate, setting.rows
    when = np.arange(rows) + later
    years = when / PER_YEAR[setting.curves.period]
    late = np.where(np.broadcast_to(when, money.shape) > rows - 1, money, 0.0).sum(axis=1)
    told, now, weighed = (_shifted(amounts, later) for amounts in (money, money * yearly**-years, money * years))
    return _Moved(told, now, weighed, late)


def _shifted(
    amounts: Float[np.ndarray, "path row"], later: Float[np.ndarray, "some row"]
) -> Float[np.ndarray, "path row"]:
    """Amounts by the row in which they move, so many rows later, or in the last one."""
    rows, found = amounts.shape[1], np.zeros(amounts.shape)
    if len(later) == 1 and (later == later[0, 0]).all():
        step = min(int(later[0, 0]), rows - 1)
        found[:, step:] = amounts[:, : rows - step]
        found[:, -1] += amounts[:, rows - step :].sum(axis=1)
        return found
    when = np.minimum(np.arange(rows) + np.broadcast_to(later, amounts.shape), rows - 1).astype(int)
    np.add.at(found, (np.arange(len(amounts))[:, None], when), amounts)
    return found


def _payback(
    cash: Float[np.ndarray, "path row"], late: Float[np.ndarray, " path"], present: Float[np.ndarray, " path"]
) -> Int[np.ndarray, " path"]:
    """The first row by whose end cash has paid back what was spent; -1 where it has not by the last, or is not known.

    `late` is what customers pay only after the last row: it pays nothing back by then.
    """
    cash = np.concatenate([cash[:, :-1], cash[:, -1:] - np.maximum(late, 0.0)[:, None]], axis=1)
    rows = cash.shape[1]
    below = np.cumsum(cash, axis=1) < 0
    last = np.where(below.any(axis=1), rows - 1 - below[:, ::-1].argmax(axis=1), -1)  # the last row in the red
    payback = np.where(last == rows - 1, -1, last + 1)
    return np.where(np.isfinite(present), payback, -1)
