"""Rules as one linear program in HiGHS, built once: a question changes bounds and costs, and starts warm.

Columns are the spend of each cell, what each rule gives way, and what all of them give way together. Each side of a
rule is a row. A minimum flight has two rows, one for spending at least so much and one for spending nothing; whoever
asks says on which side it is, because a linear program cannot choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import highspy
import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.conflict.flights import Flights, flights_of
from engine.optimize.rules import Rule

STAKE = 1e4  # what the largest limit that asks for money is scaled to: the solver's tolerances are absolute
EXACT = 1e-9  # the solver's tolerance, in the scaled unit
NEAR = 1e-7  # in that unit: what an amount may differ from nothing, or from a limit, and count as it

Sides = Mapping[int, bool]  # by rule with a minimum flight: whether its channel flies


class Part(IntEnum):
    """When a row counts."""

    LIMIT = 0  # where its rule is kept
    AMOUNT = 1  # the limit of a share of a known total, where the total is kept as it is
    SHARE = 2  # the same limit as a share of what is spent, where the total may give way
    ON = 3  # where a minimum flight is flown
    OFF = 4  # where it is not
    TOTAL = 5  # what rules give way in sum, where that is limited


class Row(NamedTuple):
    """One side of one rule."""

    rule: int
    part: Part
    weights: np.ndarray
    give: float  # coefficient of what the rule gives way
    low: float
    high: float


@dataclass(frozen=True)
class Question:
    """Which rules are kept, which of these may give way, and at what price."""

    kept: Bool[np.ndarray, " rule"]
    loose: Bool[np.ndarray, " rule"]
    price: Float[np.ndarray, " rule"]  # of each unit of money by which a rule gives way
    most: tuple[float, ...] = ()  # that the rules of each level may give way in sum [currency]
    evenly: bool = False  # whether all limits give way by one amount instead, which is made small
    given: float | None = None  # what each rule that may give way gives, where that is fixed [currency]
    leaning: Float[np.ndarray, " cell"] | None = None  # cost of each cell, where nothing that gives way costs


@dataclass(frozen=True)
class Point:
    """A spend, and by how much each rule gives way for it."""

    spend: Float[np.ndarray, " cell"]  # [currency]
    give: Float[np.ndarray, " rule"]  # [currency]
    cost: float  # what giving way costs
    weight: Float[np.ndarray, " rule"]  # by how much the cost falls with each unit of money that a rule is eased
    is_least: bool = (
        True  # whether the cost is proven to be the least, up to `CERTIFIED` of it where flights are chosen
    )


@dataclass(frozen=True)
class Refusal:
    """No spend keeps the rules; these alone prove it, with these flights as they were said to be."""

    rules: frozenset[int]
    flights: frozenset[int]


@dataclass
class Program:
    """A linear program over rules; the handle of the solver inside is the only thing here that changes."""

    rules: tuple[Rule, ...]
    levels: tuple[tuple[int, ...], ...] = ()  # rules whose giving way is counted in sum
    money: float = field(init=False)  # the user's money in one unit of the program
    flights: Flights = field(init=False)

    def __post_init__(self) -> None:
        self.money = money_of(self.rules)
        self.flights = flights_of(self.rules)
        self._cells = len(self.rules[0].weights)
        self._weights = np.array([rule.weights for rule in self.rules])
        self._limits = np.array([(rule.low, rule.high) for rule in self.rules]).T
        rows = _rows(self.rules)
        self._rule = np.array([row.rule for row in rows] + [-1] * len(self.levels))
        self._part = np.array([row.part for row in rows] + [Part.TOTAL] * len(self.levels))
        self._low = np.array([row.low for row in rows] + [-np.inf] * len(self.levels)) / self.money
        self._high = np.array([row.high for row in rows] + [np.inf] * len(self.levels)) / self.money
        self._side = {(row.rule, row.part): at for at, row in enumerate(rows) if row.part in (Part.ON, Part.OFF)}
        count = self._cells + len(self.rules) + 1
        self._rows_now = (np.full(len(self._rule), -np.inf), np.full(len(self._rule), np.inf))
        self._columns_now = (*np.zeros((2, count)), np.where(np.arange(count) < self._cells, np.inf, 0.0))
        self._solver = quiet_solver()
        self._solver.setOptionValue("presolve", "off")  # it would throw away where the last question ended
        self._solver.passModel(_linear(rows, self.levels, self._cells, len(self.rules)))

    def is_kept(self, spend: Float[np.ndarray, " cell"], kept: Bool[np.ndarray, " rule"]) -> bool:
        """Whether a spend keeps some rules, from their definition."""
        slack, flights = NEAR * self.money, self.flights
        amount = self._weights @ spend
        fine = (amount >= self._limits[0] - slack) & (amount <= self._limits[1] + slack)
        flown = flights.amount @ spend
        fine[list(flights.rules)] &= (flown <= slack) | (flown >= flights.least - slack)
        return bool(fine[kept].all())

    def ask(self, question: Question, sides: Sides) -> Point | Refusal:
        """The cheapest way to keep rules with flights on the given sides; the others count for nothing."""
        self._pose(question, sides)
        status = ended(self._solver)
        if status == highspy.HighsModelStatus.kInfeasible:
            return self._refusal(question, sides)
        solution = self._solver.getSolution()
        values = np.asarray(solution.col_value)
        give = np.maximum(0.0, values[self._cells : self._cells + len(self.rules)]) * self.money
        cost = float(values[-1]) * self.money if question.evenly else float(question.price @ give)
        weight = np.bincount(self._rule + 1, np.abs(np.asarray(solution.row_dual)), len(self.rules) + 1)[1:]
        spend = np.maximum(0.0, values[: self._cells]) * self.money
        return Point(spend, give, cost, weight)

    def posed(self, question: Question, sides: Sides) -> highspy.HighsLp:
        """The program of a question as it is handed to the solver, for whoever adds to it."""
        self._pose(question, sides)
        return self._solver.getLp()

    def _pose(self, question: Question, sides: Sides) -> None:
        """Hand the solver the bounds and costs of a question, as far as they differ from the last one's."""
        counts = (self._part == Part.LIMIT) | (self._part == (Part.SHARE if question.loose[0] else Part.AMOUNT))
        active = counts & question.kept[self._rule]
        active[[self._side[rule, Part.ON if on else Part.OFF] for rule, on in sides.items()]] = True
        high = np.where(active, self._high, np.inf)
        if question.most:
            high[-len(self.levels) :] = np.array(question.most) / self.money
        self._bound_rows(np.where(active, self._low, -np.inf), high)
        no_lean = np.zeros(self._cells) if question.leaning is None else question.leaning
        cost = np.concatenate([no_lean, np.where(question.loose, question.price, 0.0), [float(question.evenly)]])
        is_free = np.concatenate([np.full(self._cells, True), question.loose, [question.evenly]])
        lower, upper = np.zeros(len(cost)), np.where(is_free, np.inf, 0.0)
        if question.given is not None:
            loose = self._cells + np.flatnonzero(question.loose)
            lower[loose] = upper[loose] = question.given / self.money
        self._set_columns(cost, lower, upper)

    def _bound_rows(self, low: np.ndarray, high: np.ndarray) -> None:
        changed = np.flatnonzero((low != self._rows_now[0]) | (high != self._rows_now[1])).astype(np.int32)
        if len(changed):
            self._solver.changeRowsBounds(len(changed), changed, low[changed], high[changed])
        self._rows_now = (low, high)

    def _set_columns(self, cost: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        now = self._columns_now
        changed = np.flatnonzero(cost != now[0]).astype(np.int32)
        if len(changed):
            self._solver.changeColsCost(len(changed), changed, cost[changed])
        changed = np.flatnonzero((low != now[1]) | (high != now[2])).astype(np.int32)
        if len(changed):
            self._solver.changeColsBounds(len(changed), changed, low[changed], high[changed])
        self._columns_now = (cost, low, high)

    def _refusal(self, question: Question, sides: Sides) -> Refusal:
        """The rules with weight in a ray of the dual program (Farkas); all that are kept where the solver has none."""
        _, there, ray = self._solver.getDualRay()
        if not there:
            return Refusal(frozenset(np.flatnonzero(question.kept).tolist()), frozenset(sides))
        weight = np.abs(np.asarray(ray))
        rows = np.flatnonzero(weight > EXACT * weight.max())
        said = (self._part[rows] == Part.ON) | (self._part[rows] == Part.OFF)
        proof = self._rule[rows]
        return Refusal(frozenset(proof[proof >= 0].tolist()), frozenset(proof[said].tolist()))


def quiet_solver() -> highspy.Highs:
    """A solver that prints nothing and is as exact as it can be asked to be."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("primal_feasibility_tolerance", EXACT)
    return solver


def money_of(rules: Sequence[Rule]) -> float:
    """The user's money in one unit of the program: limits that ask for money set it, not caps that are far away."""
    asks = [limit for rule in rules for limit in (rule.low, -rule.high, rule.flight) if 0 < limit < np.inf]
    says = [abs(limit) for rule in rules for limit in (rule.low, rule.high) if np.isfinite(limit)]
    return max(max(asks, default=0.0) or max(says, default=0.0), 1e-300) / STAKE


def ended(solver: highspy.Highs) -> highspy.HighsModelStatus:
    """How a solution ended, begun anew where it did not end; our own costs cannot be below zero."""
    is_end = highspy.HighsModelStatus
    ends = (is_end.kOptimal, is_end.kInfeasible, is_end.kSolutionLimit)  # the last one only where one is set
    for _ in range(2):
        solver.run()
        status = solver.getModelStatus()
        if status in ends:
            return status
        solver.clearSolver()
    raise AssertionError(f"HiGHS ended with {solver.modelStatusToString(status)} on a program that has an answer")


def _rows(rules: Sequence[Rule]) -> list[Row]:
    rows = []
    for at, rule in enumerate(rules):
        sides = [(1.0, rule.low, np.inf), (-1.0, -np.inf, rule.high)]
        for give, low, high in sides:
            if not (np.isfinite(low) or np.isfinite(high)):
                continue
            rows.append(Row(at, Part.AMOUNT if rule.share else Part.LIMIT, rule.weights, give, low, high))
            if rule.share:
                part = rule.weights - rule.share * rules[0].weights
                rows.append(Row(at, Part.SHARE, part, give, *((0.0, np.inf) if give > 0 else (-np.inf, 0.0))))
        if rule.flight:
            rows.append(Row(at, Part.ON, rule.weights, 1.0, rule.flight, np.inf))
            rows.append(Row(at, Part.OFF, rule.weights, 0.0, -np.inf, 0.0))
    return rows


def _linear(rows: list[Row], levels: tuple[tuple[int, ...], ...], cells: int, rules: int) -> highspy.HighsLp:
    """The program with every row free."""
    index, value, start = [], [], [0]
    for row in rows:
        touched = row.weights.nonzero()[0]
        gives = [cells + row.rule, cells + rules] if row.give else []
        index.append(np.append(touched, gives).astype(int))
        value.append(np.append(row.weights[touched], [row.give] * len(gives)))
        start.append(start[-1] + len(touched) + len(gives))
    for level in levels:
        index.append(cells + np.array(level, int))
        value.append(np.ones(len(level)))
        start.append(start[-1] + len(level))
    linear, columns = highspy.HighsLp(), cells + rules + 1
    linear.num_col_, linear.num_row_ = columns, len(start) - 1
    linear.col_cost_, linear.col_lower_ = np.zeros(columns), np.zeros(columns)
    linear.col_upper_ = np.where(np.arange(columns) < cells, np.inf, 0.0)
    linear.row_lower_, linear.row_upper_ = np.full(len(start) - 1, -np.inf), np.full(len(start) - 1, np.inf)
    linear.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    linear.a_matrix_.start_ = np.array(start)
    linear.a_matrix_.index_ = np.concatenate(index)
    linear.a_matrix_.value_ = np.concatenate(value)
    return linear
