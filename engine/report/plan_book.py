"""What a workbook of plans holds: scenarios that decide alike, and what each brings by channel and time."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.errors import InputError
from engine.optimize.plan import Plan, Split
from engine.report.brought import Lasting, begins_of, is_explained, lasting
from engine.report.page.given import Given, Source
from engine.report.plan_draws import Time
from engine.report.workbook import short
from engine.response.curves import Curves
from engine.words import money

SHORT = 60  # letters of a name in a list that one chooses from
CLOSE = 1e-9  # of an outcome: nearer than this a spreadsheet comes to what the engine found
OWN = "my own (sheet Spend)"
AFTER = "after the end"
NO_FIT = (
    "a workbook of plans reckons with the draws of their fit; name its folder too: peso report FIT PLAN --workbook FILE"
)
NO_PLAN = "a workbook is about plans; name at least one plan.json of peso optimize"


@dataclass(frozen=True)
class Case:
    """One way to spend the money."""

    name: str
    money: Float[np.ndarray, "channel decision"]  # [currency]
    outcome: float  # in the mean, as its plan says
    profit: float | None = None  # in the mean, as its plan says where that counts it [currency]
    split: Split | None = None  # what else its plan says; None: it is to be typed in
    plan: Plan | None = None
    is_history: bool = False  # whether it is money split as in history


@dataclass(frozen=True)
class PlanBook:
    """Everything a workbook of plans is made from."""

    plan: Plan  # the one that is decided upon
    curves: Curves
    works: tuple[Lasting, ...]  # how the money of each channel works
    cases: tuple[Case, ...]  # plans as given, the same money split as in history, and the one that is typed in
    pace: Float[np.ndarray, "channel period"]  # share of a decision's money
    time: Time
    begins: tuple[int, ...]  # first period of each decision
    left_out: tuple[str, ...]  # why others are not in it
    sources: tuple[Source, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The cases as they are chosen from a list."""
        return tuple(f"{number}. {case.name}" for number, case in enumerate(self.cases, 1))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First and last period of each decision, and of the time after the last one where that counts."""
        edges = [*self.begins, self.time.periods] + [self.time.rows] * (self.time.rows > self.time.periods)
        return tuple((first, last - 1) for first, last in itertools.pairwise(edges))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of those spans."""
        return (*self.plan.decisions, *[AFTER] * (self.time.rows > self.time.periods))

    @property
    def in_money(self) -> bool:
        """Whether what a plan brings is money."""
        return self.plan.in_money

    @property
    def value(self) -> float:
        """What a unit of the curves' outcome counts."""
        return self.curves.value if self.in_money else 1.0

    @property
    def worth(self) -> tuple[float, ...] | None:
        """What is kept of a unit of each channel's outcome before media [currency]; None: nobody knows.

        The plan's margins or lifetime values; all of an outcome in money of which the plan knows no margin.
        """
        usual = 1.0 if self.in_money else None
        known = [usual if line.worth is None else line.worth for line in self.plan.lines]
        return None if None in known else tuple(one for one in known if one is not None)

    def bought(self, money: Float[np.ndarray, "channel decision"]) -> Float[np.ndarray, "channel period"]:
        """Money by period [currency]."""
        lengths = np.diff([*self.begins, self.time.periods])
        return self.pace * np.repeat(money, lengths, axis=1)

    @cached_property
    def brought(self) -> tuple[Float[np.ndarray, "channel span"], ...]:
        """What each case brings in the mean, by channel and span."""
        return tuple(self.brings(case.money) for case in self.cases)

    def brings(self, money: Float[np.ndarray, "channel decision"]) -> Float[np.ndarray, "channel span"]:
        """What money brings in the mean, by channel and span."""
        firsts = [first for first, _ in self.spans]
        rows = [
            np.add.reduceat(works.brings(each).mean(axis=1), firsts)
            for works, each in zip(self.works, self.bought(money), strict=True)
        ]
        return np.array(rows) * self.value


def plan_book(given: Given) -> PlanBook:
    """What a workbook of some runs holds.

    Raises:
        InputError: There is no fit or no plan, or what the plan brings does not follow from its curves and its money.
    """
    if given.plan is None:
        raise InputError(NO_PLAN)
    if given.fit is None:
        raise InputError(NO_FIT)
    curves, plan = given.fit.curves, given.plan
    book = _settled(_book(given, curves, plan))
    if not book.cases or book.cases[0].plan is not plan:
        raise InputError(
            f"plan {short(plan.scenario, SHORT)!r}: what it brings does not follow from its curves and money alone, as "
            "where prices, demand, shocks or a discount move it, or it was made by another version; plan again, or "
            "report it with --out"
        )
    return book


def _book(given: Given, curves: Curves, plan: Plan) -> PlanBook:
    """The book of all plans that decide when the first one does."""
    if curves.names != tuple(line.name for line in plan.lines) or curves.period != plan.period:
        raise InputError(f"plan {short(plan.scenario, SHORT)!r}: is about other channels or periods than the fit")
    cases, left_out = _cases(given.plans)
    return PlanBook(
        plan,
        curves,
        tuple(lasting(one, curves, plan.periods, plan.reach) for one in curves.channels),
        cases,
        _pace([one.plan for one in cases if one.plan], plan),
        Time(plan.periods, plan.reach),
        tuple(begins_of(plan)),
        left_out,
        given.sources,
    )


def _cases(plans: Sequence[Plan]) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Plans that decide when the first one does, their money split as in history, and what is typed in."""
    plan, left_out = plans[0], []
    found: list[Case] = []
    for each in plans:
        if _when(each) == _when(plan):
            found.append(Case(short(each.scenario, SHORT), *_of(each, each.chosen), each.chosen, each))
        else:
            left_out.append(f"{short(each.scenario, SHORT)} decides or counts at other times than the first plan.")
    for each in [case.plan for case in found if case.plan]:
        base = each.baseline
        if all(abs(sum(base.spend) - one.money.sum()) > CLOSE * sum(base.spend) for one in found if one.is_history):
            name = f"history's split of {money(sum(base.spend), plan.currency)}"
            found.append(Case(name, *_of(each, base), base, is_history=True))
    found.append(Case(OWN, *_of(plan, plan.chosen)))
    return tuple(found), tuple(left_out)


def _when(plan: Plan) -> tuple[object, ...]:
    """When a plan decides and what time it counts."""
    return plan.start, plan.periods, plan.decisions, plan.reach


def _of(plan: Plan, split: Split) -> tuple[Float[np.ndarray, "channel decision"], float, float | None]:
    """Money, outcome and profit of a split of a plan; profit where lines say what a unit of outcome is worth."""
    profit = None
    if all(line.worth is not None for line in plan.lines):
        profit = split.value.mean - (sum(split.spend) if plan.lifetime else 0.0)
    return np.array(split.decided).T, split.outcome.mean, profit


def _pace(plans: Sequence[Plan], first: Plan) -> Float[np.ndarray, "channel period"]:
    """The share of a decision's money by period: of the first plan that spends there, else even."""
    begins = begins_of(first)
    lengths = np.diff([*begins, first.periods])
    shares = np.repeat(1.0 / np.repeat(lengths, lengths)[None], len(first.lines), axis=0)
    for plan in reversed(plans):
        schedule = np.array(plan.schedule).T
        money = np.repeat(np.add.reduceat(schedule, begins, axis=1), lengths, axis=1)
        shares = np.where(money > 0, schedule / np.where(money > 0, money, 1.0), shares)
    return shares


def _settled(book: PlanBook) -> PlanBook:
    """The book without cases that bring something else than their plan says, which money and curves do not explain."""
    kept, left_out = [], list(book.left_out)
    for case, found in zip(book.cases, book.brought, strict=True):
        worth = book.worth or ()
        profit = float(np.dot(worth, found.sum(axis=1))) - float(case.money.sum()) if worth else 0.0
        same = case.profit is None or abs(profit - case.profit) <= CLOSE * max(abs(profit), abs(case.outcome))
        if is_explained(float(found.sum()), case.outcome, CLOSE) and same:
            kept.append(case)
        else:
            left_out.append(f"{case.name} is worth what its money does not explain by these curves.")
    return book if len(kept) == len(book.cases) else replace(book, cases=tuple(kept), left_out=tuple(left_out))
