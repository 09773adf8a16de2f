"""The only reader of both truth and answer: what a plan earns in the true world, and what the best would.

A plan is an amount per channel, spent evenly over the weeks that follow the history. Its value is all
revenue of those weeks and of `TAIL` further weeks in which nothing is spent, so that what works late
counts. Plan, baseline and oracle are valued in the same way, in the same world, with the same luck.
"""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Float
from scipy.optimize import LinearConstraint, minimize

from engine.axes import Array
from engine.double import jax, jnp
from engine.errors import InputError
from engine.simulate.journey import play, revenue
from engine.simulate.records import State, World
from engine.simulate.world import require_calendar

YEAR = 52  # weeks of history whose split is the baseline
TAIL = 26  # weeks after the horizon in which revenue still counts
STARTS = 6  # random splits that the oracle's search starts from, beside the corners and the history's
BATCH = 32  # plans valued at once
STEPS = (0.2, 0.05, 0.01, 0.002)  # of the budget: amounts exchanged between two channels in the polish


@dataclass(frozen=True)
class Rules:
    """What an allowed plan keeps to: a total, and a floor and a cap for each channel [currency]."""

    budget: float
    floor: Float[np.ndarray, " channel"]
    cap: Float[np.ndarray, " channel"]


@dataclass(frozen=True)
class Verdict:
    """A plan judged in the true world; values are revenue over the horizon and its tail [currency]."""

    plan_value: float
    baseline_value: float  # of the last year's split of the same budget
    oracle_value: float  # of the best split within the rules that was found
    oracle_spend: Float[np.ndarray, " channel"]  # [currency over the horizon]
    share_of_oracle_gain: float  # (plan - baseline) / (oracle - baseline); 1 or 0 where there is nothing to gain
    regret: float  # (oracle - plan) / oracle


def judge(
    world: World,
    history: Float[Array, "period channel"],
    plan: Float[Array, " channel"],
    periods: int,
    rules: Rules | None = None,
) -> Verdict:
    """What a plan earns in the true world after the history, against the historical split and the oracle.

    Args:
        plan: Amount per channel over the horizon [currency].
        periods: Weeks of the horizon.
        rules: Those of the oracle; a budget of the plan's total, no floors and no caps if not given.

    Raises:
        InputError: The horizon ends after the world's calendar, or the rules allow no plan.
    """
    money, past = np.asarray(plan, float), np.asarray(history, float)
    require_calendar(world, len(past) + periods + TAIL)
    given = rules or Rules(float(money.sum()), np.zeros(money.size), np.full(money.size, float(money.sum())))
    require_room(given)
    end = play(world, past).end
    recent = past[-YEAR:].sum(axis=0)
    split = recent / recent.sum() * given.budget
    best = oracle(world, end, periods, given, (split, money))
    values = value_all(world, end, np.stack([money, split, best]), periods)
    plan_value, baseline_value, oracle_value = (float(amount) for amount in values)
    gain = oracle_value - baseline_value
    nothing = 1e-12 * oracle_value
    share = (plan_value - baseline_value) / gain if gain > nothing else float(plan_value >= baseline_value - nothing)
    regret = (oracle_value - plan_value) / oracle_value
    return Verdict(plan_value, baseline_value, oracle_value, best, share, regret)


def require_room(rules: Rules) -> None:
    """Refuse rules that no plan can keep.

    Raises:
        InputError: With both numbers.
    """
    low, high = float(rules.floor.sum()), float(rules.cap.sum())
    if (rules.floor > rules.cap).any():
        row = int(np.argmax(rules.floor > rules.cap))
        raise InputError(
            f"channel {row + 1}: floor {rules.floor[row]:g} is above cap {rules.cap[row]:g}; lower the floor"
        )
    if low > rules.budget * (1 + 1e-9):
        raise InputError(f"floors add up to {low:g}, above the budget {rules.budget:g}; lower a floor")
    if high < rules.budget * (1 - 1e-9):
        raise InputError(f"caps add up to {high:g}, below the budget {rules.budget:g}; raise a cap")


@eqx.filter_jit
def value(world: World, state: State, plan: Float[Array, " channel"], periods: int) -> Float[Array, ""]:
    """Revenue of a plan over its horizon and the tail after it [currency]."""
    count = plan.shape[0]
    spend = jnp.concatenate([jnp.broadcast_to(plan / periods, (periods, count)), jnp.zeros((TAIL, count))])
    return revenue(world, spend, state).sum()


def value_all(
    world: World, state: State, plans: Float[np.ndarray, "plan channel"], periods: int
) -> Float[np.ndarray, " plan"]:
    """Revenue of several plans [currency]; worked through in batches of one size, which compile once."""
    short = -len(plans) % BATCH
    filled = np.concatenate([plans, np.repeat(plans[-1:], short, axis=0)])
    parts = [_values(world, state, filled[first : first + BATCH], periods) for first in range(0, len(filled), BATCH)]
    return np.concatenate(parts)[: len(plans)]


@eqx.filter_jit
def _values(world: World, state: State, plans: Float[Array, "plan channel"], periods: int) -> Float[Array, " plan"]:
    return jax.vmap(lambda plan: value(world, state, plan, periods))(jnp.asarray(plans))


@eqx.filter_jit
def _value_and_slope(
    world: World, state: State, plan: Float[Array, " channel"], periods: int
) -> tuple[Float[Array, ""], Float[Array, " channel"]]:
    return jax.value_and_grad(lambda money: value(world, state, money, periods))(plan)


def oracle(
    world: World, state: State, periods: int, rules: Rules, known: tuple[Float[np.ndarray, " channel"], ...] = ()
) -> Float[np.ndarray, " channel"]:
    """The best split of the budget in the true world that a search from many starts finds [currency].

    Local ascents (sequential quadratic programming, exact gradients) start from every corner, from the
    splits already known and from random ones; the best of all is polished by exchanging amounts between
    pairs of channels until no exchange helps. It is never worse than an allowed start.
    """
    count = rules.floor.size
    random = np.random.default_rng(0).dirichlet(np.ones(count), STARTS) * rules.budget
    wishes = [*known, *(np.eye(count) * rules.budget), np.full(count, rules.budget / count), *random]
    starts = [project(np.asarray(wish, float), rules) for wish in wishes]
    ends = [project(_ascend(world, state, periods, rules, start), rules) for start in starts]
    tried = np.stack([*starts, *ends])
    best = tried[int(np.argmax(value_all(world, state, tried, periods)))]
    return _polish(world, state, periods, rules, best)


def project(wish: Float[np.ndarray, " channel"], rules: Rules) -> Float[np.ndarray, " channel"]:
    """The allowed plan nearest to a wish: wish + one shift, clipped; the shift by bisection.

    >>> project(np.array([8.0, 4.0]), Rules(6.0, np.zeros(2), np.full(2, 6.0))).round(9).tolist()
    [5.0, 1.0]
    """
    low, high = float((rules.floor - wish).min()), float((rules.cap - wish).max())
    for _ in range(100):
        shift = (low + high) / 2
        below = np.clip(wish + shift, rules.floor, rules.cap).sum() < rules.budget
        low, high = (shift, high) if below else (low, shift)
    return np.clip(wish + high, rules.floor, rules.cap)


def _ascend(
    world: World, state: State, periods: int, rules: Rules, start: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, " channel"]:
    """A local maximum near a start, in shares of the budget and with a value of about one."""
    unit = float(_value_and_slope(world, state, jnp.asarray(start), periods)[0])

    def loss(share: Float[np.ndarray, " channel"]) -> tuple[float, Float[np.ndarray, " channel"]]:
        money = jnp.asarray(np.maximum(share, 0.0) * rules.budget)
        worth, slope = _value_and_slope(world, state, money, periods)
        return -100 * float(worth) / unit, -100 * np.asarray(slope) * rules.budget / unit

    total = LinearConstraint(np.ones((1, start.size)), 1.0, 1.0)
    bounds = list(zip(rules.floor / rules.budget, np.minimum(rules.cap / rules.budget, 1.0), strict=True))
    found = minimize(
        loss,
        start / rules.budget,
        jac=True,
        method="SLSQP",
        bounds=bounds,
        constraints=[total],
        options={"ftol": 1e-9, "maxiter": 60},
    )
    return np.asarray(found.x, float) * rules.budget


def _polish(
    world: World, state: State, periods: int, rules: Rules, start: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, " channel"]:
    """Move amounts from channel to channel as long as the best such exchange helps, in ever smaller steps."""
    best, count = start, start.size
    worth = float(value_all(world, state, best[None], periods)[0])
    pairs = np.array([np.eye(count)[to] - np.eye(count)[of] for of in range(count) for to in range(count) if of != to])
    for step in STEPS if count > 1 else ():
        for _ in range(200):
            sources, targets = pairs.argmin(axis=1), pairs.argmax(axis=1)
            room = np.minimum((best - rules.floor)[sources], (rules.cap - best)[targets])
            tried = best + pairs * np.minimum(step * rules.budget, room)[:, None]
            values = value_all(world, state, tried, periods)
            row = int(np.argmax(values))
            if values[row] <= worth * (1 + 1e-12):
                break
            best, worth = tried[row], float(values[row])
    return best
