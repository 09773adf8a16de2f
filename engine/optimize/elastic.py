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
from jaxtyping import Bool, Float, Int

from engine.optimize.rules import Rule

STAKE = 1e4  # what the largest limit that asks for money is scaled to: the solver's tolerances are absolute
EXACT = 1e-9  # the solver's tolerance, in the scaled unit
NEAR = 1e-7  # in that unit: what an amount may differ from nothing, or from a limit, and count as it
FAR = 100.0  # times that limit: what a channel without any upper limit spends at the most, where flights are chosen

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
    tight: frozenset[int]  # rules on which the cost depends


@dataclass(frozen=True)
class Refusal:
    """No spend keeps the rules; these alone prove it, with these flights as they were said to be."""

    rules: frozenset[int]
    flights: frozenset[int]


class Pairs(NamedTuple):
    """A rule and a minimum flight, as often as the one says something of the other."""

    rule: Int[np.ndarray, " pair"]
    flight: Int[np.ndarray, " pair"]

    def first(self, counted: Bool[np.ndarray, " rule"]) -> dict[int, int]:
        """By flight, the first of the rules that count."""
        used = counted[self.rule]
        flight, at = np.unique(self.flight[used], return_index=True)
        return dict(zip(flight.tolist(), self.rule[used][at].tolist(), strict=True))


@dataclass(frozen=True)
class Flights:
    """The rules that are minimum flights, and what other rules say of the same spend."""

    rules: tuple[int, ...]
    amount: Float[np.ndarray, "flight cell"]  # weights of what must be nothing or enough
    least: Float[np.ndarray, " flight"]  # [currency]
    forced: Pairs  # rules by which something must be spent on a flight
    held: Pairs  # rules that leave no more than `reach` for a flight, the least first
    reach: Float[np.ndarray, " pair"]  # [currency]

    def most(self, counted: Bool[np.ndarray, " rule"]) -> Float[np.ndarray, " flight"]:
        """What the rules that count leave for each flight at the most, by each of them alone [currency]."""
        found, used = np.full(len(self.rules), np.inf), counted[self.held.rule]
        np.minimum.at(found, self.held.flight[used], self.reach[used])
        return found


@dataclass
class Program:
    """A linear program over rules; the handle of the solver inside is the only thing here that changes."""

    rules: tuple[Rule, ...]
    levels: tuple[tuple[int, ...], ...] = ()  # rules whose giving way is counted in sum
    money: float = field(init=False)  # the user's money in one unit of the program
    flights: Flights = field(init=False)

    def __post_init__(self) -> None:
        self.money = money_of(self.rules)
        self.flights = _flights(self.rules)
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
        status = _status(self._solver)
        if status == highspy.HighsModelStatus.kInfeasible:
            return self._refusal(question, sides)
        solution = self._solver.getSolution()
        values = np.asarray(solution.col_value)
        give = np.maximum(0.0, values[self._cells : self._cells + len(self.rules)]) * self.money
        cost = float(values[-1]) * self.money if question.evenly else float(question.price @ give)
        tight = self._rule[np.abs(np.asarray(solution.row_dual)) > EXACT]
        spend = np.maximum(0.0, values[: self._cells]) * self.money
        return Point(spend, give, cost, frozenset(tight[tight >= 0].tolist()))

    def chosen(self, question: Question, sides: Sides) -> dict[int, bool] | None:
        """The sides of all flights in the cheapest way to keep the rules, by a mixed-integer program; None if none."""
        self._pose(question, sides)
        open_flights = [at for at, rule in enumerate(self.flights.rules) if question.kept[rule] and rule not in sides]
        solver = quiet_solver()
        solver.setOptionValue("mip_feasibility_tolerance", EXACT)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.passModel(self._solver.getLp())
        first, count = solver.getNumCol(), len(open_flights)
        solver.addVars(count, np.zeros(count), np.ones(count))
        whole = np.full(count, highspy.HighsVarType.kInteger)
        solver.changeColsIntegrality(count, np.arange(first, first + count, dtype=np.int32), whole)
        reach = np.minimum(self.flights.most(_counted(self.rules, question)), FAR * STAKE * self.money)
        for at, flight in enumerate(open_flights):
            cells = self.flights.amount[flight].nonzero()[0]
            amount, least = self.flights.amount[flight][cells], self.flights.least[flight] / self.money
            index = np.array([*cells, self._cells + self.flights.rules[flight], first + at], np.int32)
            solver.addRow(0.0, np.inf, len(index), index, np.array([*amount, 1.0, -least]))
            most = max(least, reach[flight] / self.money)
            flown = np.array([*amount, 0.0, -most])
            solver.addRow(-np.inf, 0.0, len(index), index, flown)
        if _status(solver) == highspy.HighsModelStatus.kInfeasible:
            return None
        flown = np.asarray(solver.getSolution().col_value)[first:] > 0.5
        return dict(sides) | {self.flights.rules[f]: bool(on) for f, on in zip(open_flights, flown, strict=True)}

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


def _status(solver: highspy.Highs) -> highspy.HighsModelStatus:
    """How a solution ended, begun anew where it did not end; our own costs cannot be below zero."""
    ends = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
    for _ in range(2):
        solver.run()
        status = solver.getModelStatus()
        if status in ends:
            return status
        solver.clearSolver()
    raise AssertionError(f"HiGHS ended with {solver.modelStatusToString(status)} on a program that has an answer")


def _counted(rules: Sequence[Rule], question: Question) -> Bool[np.ndarray, " rule"]:
    """Rules that count with their limits in money as they are."""
    kept: np.ndarray = question.kept & ~question.loose
    return kept & ~np.array([bool(rule.share) and bool(question.loose[0]) for rule in rules])


def settled(program: Program, question: Question) -> dict[int, tuple[bool, int]]:
    """Flights whose side another rule decides, each with that rule: there must be spend, or there is too little."""
    flights, counted = program.flights, _counted(program.rules, question)
    if not flights.rules:
        return {}
    forced, held = flights.forced.first(counted), flights.held.first(counted)
    short = flights.most(counted) < flights.least - EXACT * program.money
    found = {}
    for at in np.flatnonzero(counted[list(flights.rules)]).tolist():
        if at in forced:
            found[flights.rules[at]] = (True, forced[at])
        elif short[at]:
            found[flights.rules[at]] = (False, held[at])
    return found


def leaning(program: Program, question: Question) -> Float[np.ndarray, " cell"] | None:
    """A cost on spend that must be flown, the less the more a flight may hold: it leads to few, full flights."""
    flights = program.flights
    flown = question.kept[list(flights.rules)]
    if not flown.any():
        return None
    reach = np.minimum(flights.most(question.kept), FAR * STAKE * program.money)
    cost: np.ndarray = np.where(flown, program.money / np.maximum(reach, flights.least), 0.0) @ flights.amount
    return cost


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


def _flights(rules: Sequence[Rule]) -> Flights:
    flying = tuple(at for at, rule in enumerate(rules) if rule.flight)
    weights = np.array([rule.weights for rule in rules])
    amount, low = weights[list(flying)].reshape(len(flying), weights.shape[1]), np.array([rule.low for rule in rules])
    high = np.array([rule.high for rule in rules])
    bounds = np.flatnonzero(np.isfinite(high) & (weights >= 0).all(axis=1))
    same: dict[bytes, list[int]] = {}
    for at in np.flatnonzero(low > 0).tolist():
        same.setdefault(weights[at].tobytes(), []).append(at)
    forced = [(rule, at) for at, one in enumerate(amount) for rule in same.get(one.tobytes(), ())]
    held = []
    for at, one in enumerate(amount):
        cells = one.nonzero()[0]
        often = (weights[np.ix_(bounds, cells)] / one[cells]).min(axis=1)  # the flight's amount is in the rule's
        held += [
            (high[rule] / times, rule, at)
            for rule, times in zip(bounds.tolist(), often.tolist(), strict=True)
            if times > 0
        ]
    held.sort()
    least = np.array([rules[at].flight for at in flying])
    reach = np.array([most for most, _, _ in held])
    return Flights(flying, amount, least, _pairs(forced), _pairs([pair[1:] for pair in held]), reach)


def _pairs(found: Sequence[tuple[int, int]]) -> Pairs:
    both = np.array(found, int).reshape(len(found), 2)
    return Pairs(both[:, 0], both[:, 1])
