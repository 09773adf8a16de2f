"""The reasons of a plan: why each channel moved, how sure that is, what would change it, which experiment would pay.

Slopes and prices say why money stops where it does; whatever is said of another question was asked (see `changing`).
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.optimize.asking import Asked, answered
from engine.optimize.changing import (
    DATED,
    NOTABLE,
    NOTHING,
    RuleCost,
    Setting,
    Threshold,
    Unchanged,
    asked_as,
    entering,
    is_near,
    is_unchanged,
    lessening,
    rule_costs,
    slopes,
    why_unchanged,
    within_reach,
)
from engine.optimize.closeness import ROUNDING
from engine.optimize.keeping import keeping, limits
from engine.optimize.over_time import several
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import Plan, by_draw
from engine.optimize.prices import binding, removable
from engine.optimize.risk.climb import chances, known
from engine.optimize.risk.information import (
    GROUPS,
    MEMBERS,
    ChannelInformation,
    PerfectInformation,
    differs,
    grouped,
    perfect_information,
    planned_by_group,
    promised,
    responses_of,
)
from engine.optimize.rules import Problem, Rule, barred_units, open_returns
from engine.optimize.solve import Memory, Solved, solve
from engine.optimize.tables import objective
from engine.response.curves import Curves

IDLE, RUNNING = 3, 4  # channels without and with money whose thresholds are looked for
IDLE_OVER_TIME, RUNNING_OVER_TIME = 1, 2  # the same for several decisions
RULES = 5  # rules that are dropped one by one, the dearest at the margin first
EXPERIMENTS = 4  # channels of which it is planned what knowing them is worth, the most promising
CLOSED = "no date on which"  # how the rule begins that a channel without open dates has
SPENDS = 60  # at which the best average return of an idle channel is looked for


@dataclass(frozen=True)
class Seen:
    """Where a channel's curve is known, and where the plan uses it [currency/period]."""

    most: float  # the most that history spent in a period
    peak: float  # the most that the plan spends in one
    support: tuple[float, float] | None  # 5 and 95 % points of the stock in the data; None: unknown
    stock: tuple[float, float]  # least and most of the plan, a mean over the draws

    @property
    def extrapolated(self) -> bool:
        """Whether the plan spends more, or builds more stock, than the data show."""
        above = self.support is not None and self.stock[1] > self.support[1] * (1 + 1e-9)
        return above or self.peak > self.most * (1 + 1e-9)

    @property
    def below(self) -> bool:
        """Whether the plan spends, and builds less stock than the data show."""
        return self.support is not None and self.peak > 0 and self.stock[1] < self.support[0] * (1 - 1e-9)


@dataclass(frozen=True)
class Reason:
    """Why one channel has the money that it has; slopes are objective per money, after its cost."""

    name: str
    today: float  # [currency]
    plan: float  # [currency]
    idle: bool  # whether the plan spends nothing on it
    at_today: float  # slope at today's spend, before the charge for doubt
    at_plan: float | None  # slope at the plan, before it; idle: of the very first money, None where it cannot be spent
    charge: tuple[float, float]  # for doubt, per money moved to less, and to more [objective per currency]
    best: tuple[float, float] | None  # idle channels of one split: the spend of the best average, and that after charge
    held: tuple[str, ...]  # rules that hold it there
    right: float | None  # share of draws in which its move is right; None where it moves next to nothing
    seen: Seen
    enters: Threshold | None = None  # idle: effect from which the plan spends on it
    lessens: Threshold | None = None  # running: effect at which it loses more than a tenth of its money
    leaves: Threshold | None = None  # running: effect at which it has no money any more
    kept: tuple[str, ...] = ()  # rules seen to hold it at the farthest effect where it has no threshold
    looked_at: bool = False  # whether thresholds were looked for; if so, None is beyond 16 times or a sixteenth

    @property
    def move(self) -> float:
        """Plan less today [currency]."""
        return self.plan - self.today


@dataclass(frozen=True)
class Experiments:
    """What knowing more would be worth before planning, and so the most that an experiment can be [objective]."""

    everything: PerfectInformation
    channels: tuple[ChannelInformation, ...]  # the most worth first
    flat: bool = False  # whether it was asked for one split of a year, because several decisions take too long


@dataclass(frozen=True)
class Explanation:
    """The reasons of a plan."""

    price: float | None  # of the last money: objective per currency after the charge; None: there is none, or not told
    reasons: tuple[Reason, ...]  # by channel
    rules: tuple[RuleCost, ...]  # what some rules cost, the dearest first
    chance_of_loss: float
    experiments: Experiments | None
    unchanged: Unchanged | None  # where the plan moves nothing
    left_out: tuple[str, ...]  # what was not looked at, and why


def explained(curves: Curves, scenario: Scenario, plan: Plan, spent: Spent | None = None) -> Explanation:
    """The reasons of a plan.

    Args:
        curves: What spend does.
        scenario: The question.
        plan: Its answer, with prices.
        spent: What the first periods of the horizon have spent, where it has begun.

    Raises:
        InputError: The scenario does not fit the curves.
        InfeasibleError: No plan keeps every rule; then there is none to explain either.
    """
    asked = answered(curves, scenario, spent)
    setting = Setting(asked.problem, plan.cells, asked.today, asked.memory)
    reasons, left_out = _reasons(setting, plan), list[str]()
    if plan.risk != "mean":
        told = f"a plan for {plan.risk} is not chosen by means: prices, thresholds and experiments are left out"
        return Explanation(None, reasons, (), plan.chance_of_loss, None, None, (told,))
    price = next((one.dual for one in plan.prices if one.rule == setting.problem.budget.name), None)
    if price is None and 0 not in binding(setting.problem, setting.plan):
        price = 0.0  # money is left over
    if open_returns(setting.problem):
        told = f"beside {open_returns(setting.problem)[0].name} thresholds, costs of rules and experiments are left out"
        return Explanation(price, reasons, (), plan.chance_of_loss, None, None, (told,))
    reasons, skipped = _with_thresholds(setting, reasons)
    names = _costly(setting, plan)
    costs = rule_costs(setting, names[:RULES])
    left_out += [f"effects of {', '.join(skipped)} (only those that move or could bring most)"] if skipped else []
    left_out += [f"dropping {', '.join(names[RULES:])} (only the dearest rules were dropped)"] if names[RULES:] else []
    if plan.found:
        left_out.append("other budgets: all was asked with the one that was found for the target")
    if is_near(setting.problem):
        left_out.append("plans far from this one: others were sought near it, so costs are told as at least")
    reach = within_reach(setting)
    if reach is not setting:
        left_out.append("more than twice the plan's money, where effects change or responses are known")
        asked = replace(asked, problem=reach.problem, memory=reach.memory)
    experiments, why_not = _experiments(asked, curves.draws)
    left_out += [why_not] if why_not else []
    unchanged = why_unchanged(setting) if is_unchanged(setting) else None
    return Explanation(price, reasons, costs, plan.chance_of_loss, experiments, unchanged, tuple(left_out))


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """An explanation as plain values, for the plan's document."""
    found = asdict(explanation)
    for entry, reason in zip(found["reasons"], explanation.reasons, strict=True):
        entry["seen"] |= {"extrapolated": reason.seen.extrapolated, "below": reason.seen.below}
    return {
        "price_of_money": found["price"],
        "channels": found["reasons"],
        "cost_of_rules": found["rules"],
        "chance_of_loss": found["chance_of_loss"],
        "experiments": found["experiments"],
        "unchanged": found["unchanged"],
        "not_looked_at": list(explanation.left_out),
    }


def right_by_channel(setting: Setting) -> Float[np.ndarray, " channel"]:
    """The share of draws in which each channel's move earns more than where its money came from, or would go.

    The move is undone, and the channels that moved the other way give back as much, each a like part of its move. Where
    none did, the money is not spent at all.
    """
    problem = setting.problem
    move = several.by_cell(problem, setting.plan - setting.today)
    change, value = move.sum(axis=1), by_draw(problem, setting.plan)[1]
    odds = chances(problem, len(value))
    found = np.zeros(len(change))
    for channel, own in enumerate(change.tolist()):
        if abs(own) <= NOTABLE * setting.money:
            continue
        others = change * np.sign(own) < 0
        given = float(np.abs(change[others]).sum())
        undone = others * (min(1.0, abs(own) / given) if given else 0.0)
        undone[channel] = 1.0
        before = by_draw(problem, setting.plan - (undone[:, None] * move).ravel())[1]
        found[channel] = min(1.0, float(odds @ (value > before)))
    return found


def best_average(problem: Problem, channel: int) -> tuple[float, float] | None:
    """The spend at which an idle channel's money brings most on average, and how much; None where it cannot spend.

    Only spends that its minimum flight and its step allow are looked at.
    """
    payoff, high = problem.payoffs[channel], float(problem.upper[channel])
    if problem.ways or high <= 0:
        return None
    spend = np.geomspace(max(float(problem.flight[channel]), 1e-4 * high), high, SPENDS)
    step = max((rule.step for rule in problem.rules if rule.step and rule.channel == channel), default=0.0)
    if step:
        spend = step * np.unique(np.ceil(spend / step * (1 - ROUNDING)))
        spend = spend[spend <= high * (1 + ROUNDING)]
    if not len(spend):
        return None
    value = payoff.average(objective(payoff, np.append(spend, 0.0)))
    average = (value[:-1] - value[-1]) / spend
    at = int(np.argmax(average))
    return float(spend[at]), float(average[at])


def _reasons(setting: Setting, plan: Plan) -> tuple[Reason, ...]:
    problem = setting.problem
    today, now = (several.by_cell(problem, split).sum(axis=1) for split in (setting.today, setting.plan))
    at_today, at_plan = slopes(problem, setting.today), slopes(problem, setting.plan)
    right, held, barred = right_by_channel(setting), _holding(setting, plan), barred_units(problem, setting.plan)
    found = []
    for channel, name in enumerate(problem.names):
        moves = abs(now[channel] - today[channel]) > NOTABLE * setting.money
        found.append(
            Reason(
                name,
                float(today[channel]),
                float(now[channel]),
                _is_idle(setting, channel),
                float(at_today[channel]),
                None if barred[channel] else float(at_plan[channel]),
                problem.payoffs[channel].toll,
                best_average(problem, channel) if _is_idle(setting, channel) else None,
                held[channel],
                float(right[channel]) if moves else None,
                _seen(setting, plan, channel),
            )
        )
    return tuple(found)


def _is_idle(setting: Setting, channel: int) -> bool:
    return bool(setting.totals[channel] <= NOTHING * setting.money / len(setting.problem.names))


def _seen(setting: Setting, plan: Plan, channel: int) -> Seen:
    """Where a channel's curve is known and where the plan uses it."""
    problem = setting.problem
    if problem.ways:
        stock = problem.courses[channel].stock(several.by_cell(problem, setting.plan)[channel])
    else:
        payoff = problem.payoffs[channel]
        stock = payoff.stock(setting.plan[channel : channel + 1])[0]
    mean = stock.mean(axis=1)
    history = problem.payoffs[channel].channel.history
    peak = max(row[channel] for row in plan.schedule)
    return Seen(history.max, peak, history.support, (float(mean.min()), float(mean.max())))


def _holding(setting: Setting, plan: Plan) -> list[tuple[str, ...]]:
    """The rules beside the budget that hold each channel where it is."""
    problem = setting.problem
    duals = _worth(plan)
    least = 1e-6 * max(duals.values(), default=0.0)
    found: list[dict[str, None]] = [{} for _ in problem.names]
    for index in binding(problem, setting.plan):
        rule = problem.rules[index]
        closed = not removable(problem, index) and rule.name.startswith(CLOSED)
        counts = rule.flight or rule.is_discrete
        telling = duals.get(asked_as(rule), 0.0) > least or counts or plan.risk != "mean"
        if not index or not (closed or (telling and removable(problem, index))):
            continue
        for channel in np.unique(np.flatnonzero(rule.weights) // problem.decisions).tolist():
            idle = _is_idle(setting, channel)
            counted = rule.active is None or (rule.active.most is not None) == idle
            if counted and not (idle and _lifts(setting, rule, channel)):
                found[channel][asked_as(rule)] = None
    return [tuple(names) for names in found]


def _worth(plan: Plan) -> dict[str, float]:
    """What a unit of room by each rule of the scenario is worth at the margin, of its dearest row."""
    found: dict[str, float] = {}
    for one in plan.prices:
        name = DATED.sub("", one.rule)
        found[name] = max(found.get(name, 0.0), abs(one.dual or 0.0))
    return found


def _lifts(setting: Setting, rule: Rule, channel: int) -> bool:
    """Whether a rule about several channels is at the limit that more money on one of them would leave."""
    if rule.flight or rule.low == rule.high:
        return False
    amount, weight = float(rule.weights @ setting.plan), several.by_cell(setting.problem, rule.weights)[channel].sum()
    at_low = abs(amount - rule.low) < abs(amount - rule.high)
    return bool(weight > 0) == at_low


def _costly(setting: Setting, plan: Plan) -> tuple[str, ...]:
    """Rules that hold the plan and could be dropped, the dearest at the margin first, minimum flights last."""
    problem, duals = setting.problem, _worth(plan)
    rules = [problem.rules[index] for index in binding(problem, setting.plan) if removable(problem, index)]
    telling = [
        asked_as(rule) for rule in rules if duals.get(asked_as(rule), 0.0) > 0 or rule.flight or rule.is_discrete
    ]
    return tuple(sorted(dict.fromkeys(telling), key=lambda name: -duals.get(name, 0.0)))


def _with_thresholds(setting: Setting, reasons: tuple[Reason, ...]) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """The reasons with thresholds of some channels, and the names of the others.

    Chosen are idle channels that bring most, and running ones that move most.
    """
    setting = within_reach(setting)
    problem = setting.problem
    idle = [at for at, reason in enumerate(reasons) if reason.idle]
    running = [at for at in range(len(reasons)) if at not in idle]
    idle.sort(key=lambda at: -(reasons[at].best or (0.0, reasons[at].at_plan or 0.0))[1])
    running.sort(key=lambda at: (-abs(reasons[at].move), -reasons[at].plan))
    counts = (IDLE_OVER_TIME, RUNNING_OVER_TIME) if is_near(problem) else (IDLE, RUNNING)
    chosen = {*idle[: counts[0]], *running[: counts[1]]}
    found = list(reasons)
    for at in chosen:
        entry = {**vars(reasons[at]), "looked_at": True}
        if at in idle:
            enters = entering(setting, at)
            kept = () if enters else keeping(setting, at, True, limits(setting, at, lessens=False))
            found[at] = Reason(**{**entry, "enters": enters, "kept": kept})
        else:
            lessens, leaves = lessening(setting, at)
            kept = () if leaves else keeping(setting, at, False, limits(setting, at, lessens=lessens is None))
            found[at] = Reason(**{**entry, "lessens": lessens, "leaves": leaves, "kept": kept})
    return tuple(found), tuple(name for at, name in enumerate(problem.names) if at not in chosen)


def _experiments(asked: Asked, draws: int) -> tuple[Experiments | None, str]:
    """What knowing more is worth, or why that is not told."""
    problem, solved, memory = asked.problem, asked.solved, asked.memory
    if draws < 2:
        return None, "experiments: the curves have one draw, so nothing is in doubt"
    if problem.grid and problem.grid.over:
        return None, "experiments: part of the horizon is over"
    flat = bool(problem.ways)
    if is_near(several.flat(problem) if flat else problem):
        return None, "experiments: rules across channels that overlap, steps and numbers of channels take too long"
    if flat:
        problem, memory = several.flat(problem), {}
        again = solve(problem, memory)
        if again is None:
            return None, "experiments: one split for the whole horizon keeps no rule"
        solved = again
    everything = perfect_information(problem, solved, memory)
    if draws < 2 * MEMBERS:
        return Experiments(everything, (), flat), f"single responses: that needs {2 * MEMBERS} draws"
    return Experiments(everything, _informed(problem, solved, memory), flat), ""


def _informed(problem: Problem, solved: Solved, memory: Memory) -> tuple[ChannelInformation, ...]:
    """What knowing single channels is worth: planned by groups for the most promising, for the others a guess."""
    plan = known(problem, solved.spend)
    base, responses = chances(problem, len(plan.values)), responses_of(problem, solved.spend)
    with np.errstate(invalid="ignore"):  # 0 / 0 where a channel has no open date
        promise = np.nan_to_num(promised(problem, responses, base))
    chosen = set(np.argsort(-promise, kind="stable")[:EXPERIMENTS].tolist())
    found = []
    for channel, name in enumerate(problem.names):
        if not differs(responses, channel):
            found.append(ChannelInformation(name, 0.0, 0.0, 0.0))
        elif channel in chosen:
            found.append(planned_by_group(problem, name, plan, grouped(responses, channel, GROUPS), memory))
        else:
            found.append(ChannelInformation(name, 0.0, float(promise[channel]), 0.0, looked_at=False))
    return tuple(sorted(found, key=lambda one: (not one.looked_at, -one.gain, -one.seen)))
