"""Whole numbers over several decisions: all rules and what every channel can earn, in one mixed-integer program.

What a channel earns is told in one of three ways. Where its curves are concave, by planes that touch the mean outcome
of its courses and lie nowhere below it; where channels are counted, a plane's height counts only for those switched on,
which makes the program tight (perspective cuts; Frangioni and Gentile, Perspective cuts for a class of convex 0-1 mixed
integer programs, 2006). Where it goes in steps, by the best course of each total in whole steps (see `lattice`). And
where curves bend upwards, by a table of totals (see `totals`), which is an estimate until it is proven.

The program bounds every plan. What it finds is seen closer, until bound and best plan meet (outer approximation; Duran
and Grossmann, An outer-approximation algorithm for a class of mixed-integer nonlinear programs, 1986).
"""

from dataclasses import dataclass, field, replace

import highspy
import numpy as np
from jaxtyping import Float

from engine.optimize.conflict.discrete import Model, posed
from engine.optimize.over_time.course import tangents
from engine.optimize.over_time.exchange import steps as steps_of
from engine.optimize.over_time.lattice import Lattice, find, look, table
from engine.optimize.over_time.search import is_special
from engine.optimize.over_time.several import by_cell, chances
from engine.optimize.over_time.totals import Known, View
from engine.optimize.program import runs_of
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem
from engine.optimize.side_by_side import each
from engine.optimize.tables import Table

UNIT = 1e3  # what plans are worth, in units of the program: the solver's tolerances are absolute
SLACK = 1e-7  # of the bound: what the solver's tolerances may leave out
NODES = 1000  # of one program; what it has not searched by then stays in the bound
DRAWN = 2e-5  # of a known plan's value: how far lines over convex stretches of a table may pass above it
MANY = 60  # totals in steps of one channel above which parts of several are let pass, where that says as much
LISTED = 1e-9  # relative: a total this much above the last whole step is no step of its own
TINY = 1e-300

Planes = dict[bytes, tuple[int, float, Float[np.ndarray, " decision"]]]  # channel, level where nothing is spent, slope
Part = tuple[np.ndarray, np.ndarray | float]  # places of unknowns and their coefficients


@dataclass(frozen=True)
class Seen:
    """A channel as the program sees it: all its courses, and those in whole steps where it goes in them."""

    view: View
    known: Known
    lattice: Lattice | None = None

    @property
    def by_planes(self) -> bool:
        """Whether planes tell what it earns."""
        return self.lattice is None and not self.view.bent

    @property
    def proven(self) -> bool:
        """Whether what it earns at the most is no estimate."""
        if self.lattice is None or not self.view.bent:
            return not self.view.bent
        return self.lattice.proven and self.lattice.most + self.lattice.step > self.view.limits[1] * (1 + LISTED)

    def money(self, total: float) -> Float[np.ndarray, " decision"] | None:
        """A good course of a total; None where planes tell the course itself."""
        own = None if self.lattice is None else self.lattice.best(total)
        return self.known.money(total) if own is None and not self.by_planes else own


@dataclass
class Outer:
    """The program as it stands."""

    problem: Problem
    seen: tuple[Seen, ...]
    coupled: bool  # whether rules tell decisions of several channels apart
    model: Model
    cells: np.ndarray  # places of the cells' unknowns
    worths: np.ndarray  # places of what each channel earns, in units of value
    worth: float  # the user's value in one unit
    planes: Planes
    choices: dict[int, tuple[np.ndarray, int]] = field(default_factory=dict)  # of totals in steps, and their row


@dataclass(frozen=True)
class Answer:
    """What a program finds: a spend, which keeps all rules unless parts of whole numbers were let pass, and a bound."""

    spend: Float[np.ndarray, " cell"]
    bound: float  # [objective]


def begun(problem: Problem, seen: tuple[Seen, ...], size: float, planes: Planes) -> Outer:
    """The program of a problem's rules and channels.

    Args:
        problem: The question.
        seen: Its channels.
        size: About what plans are worth, above 0 [objective].
        planes: Those that are known.
    """
    coupled = any(is_special(problem, rule) for rule in problem.rules)
    rules = problem.rules if coupled else _in_totals(problem, seen)
    model, cells = posed(rules, problem.decisions)
    worths = model.columns(len(seen), -1.0, np.inf)
    for place in worths.tolist():
        model.solver.changeColBounds(place, -np.inf, np.inf)
    outer = Outer(problem, seen, coupled, model, cells, worths, max(size, TINY) / UNIT, {})
    for channel, one in enumerate(seen):
        if one.lattice is not None:
            _chosen(outer, channel, table(one.lattice, one.known))
        elif one.view.bent:
            _run(outer, channel, one.known.table)
        else:
            _charged(outer, channel)
    for plane in planes.values():
        _add(outer, plane)
    model.solver.setOptionValue("mip_max_nodes", NODES)
    return outer


def seen_closer(outer: Outer, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """A spend with a good course for each channel's total, after the program has seen it closer."""
    money = by_cell(outer.problem, spend).copy()
    plain = [at for at, one in enumerate(outer.seen) if one.by_planes or (outer.coupled and not one.view.bent)]
    for plane in each(lambda channel: _plane(outer.problem, channel, money[channel]), plain):
        _add(outer, plane)
    for channel, one in enumerate(outer.seen):
        total = float(money[channel].sum())
        if one.lattice is not None:
            _steps_closer(outer, channel, one.lattice, money[channel])
        course = one.money(total)
        money[channel] = money[channel] if course is None else course
    return money.ravel()


def answered(outer: Outer, relaxed: bool, near: float) -> Answer | None:
    """The best spend that the program allows; None where there is none.

    Args:
        outer: The program.
        relaxed: Whether steps and channels may be parted.
        near: The relative gap at which the search may end.
    """
    solver = outer.model.solver
    solver.setOptionValue("solve_relaxation", relaxed)
    solver.setOptionValue("mip_rel_gap", near)
    solver.run()
    information = solver.getInfo()
    if information.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    values = np.asarray(solver.getSolution().col_value)
    linear = relaxed or not outer.model.is_whole
    dual = information.objective_function_value if linear else information.mip_dual_bound
    bound = -float(dual) * outer.worth
    return Answer(np.maximum(0.0, values[outer.cells]) * outer.model.money, bound + SLACK * abs(bound))


def _in_totals(problem: Problem, seen: tuple[Seen, ...]) -> list[Rule]:
    """The rules with steps of totals in place of those of all decisions, but for channels that have these listed."""
    found = list[Rule]()
    count = problem.decisions
    sizes = even_steps(problem)
    for rule in problem.rules:
        if not rule.step or not sizes[np.flatnonzero(rule.weights)[0] // count]:
            found.append(rule)
    for channel, (one, size) in enumerate(zip(seen, sizes.tolist(), strict=True)):
        if size and one.lattice is None:
            own = np.repeat(np.arange(len(seen)) == channel, count).astype(float)
            found.append(Rule("steps in all", own, step=size))
    return found


def even_steps(problem: Problem) -> Float[np.ndarray, " channel"]:
    """The step of each channel, where all its decisions go in the same; else 0 [currency]."""
    every = by_cell(problem, steps_of(problem))
    return np.where((every == every[:, :1]).all(axis=1), every[:, 0], 0.0)


def _own(outer: Outer, channel: int) -> np.ndarray:
    count = outer.problem.decisions
    return outer.cells[channel * count : (channel + 1) * count]


def _charged(outer: Outer, channel: int) -> None:
    """What a channel's money costs, and the toll on its move, where planes tell its outcome alone."""
    payoff, way, model = outer.problem.payoffs[channel], outer.problem.ways[channel], outer.model
    own = _own(outer, channel)
    for place, cost in zip(own.tolist(), way.cost.tolist(), strict=True):
        model.solver.changeColCost(place, cost * model.money / outer.worth)
    if any(payoff.toll):
        toll = model.columns(1, 1.0, np.inf)
        for sign, price in zip((-1.0, 1.0), payoff.toll, strict=True):  # toll >= price * (total - anchor)
            rise = sign * price / outer.worth
            model.row(-rise * payoff.anchor, np.inf, (toll, 1.0), (own, -rise * model.money))


def _plane(
    problem: Problem, channel: int, money: Float[np.ndarray, " decision"]
) -> tuple[int, float, Float[np.ndarray, " decision"]]:
    """A channel, and level where nothing is spent and slope of a plane that none of its courses exceeds."""
    _, height, slope = tangents(problem.courses[channel], money[None], chances(problem))
    margin = problem.payoffs[channel].margin
    return channel, margin * float(height[0] - slope[0] @ money), margin * slope[0]


def _add(outer: Outer, plane: tuple[int, float, Float[np.ndarray, " decision"]]) -> None:
    """One plane over a channel's courses."""
    channel, level, slope = plane
    key, model = np.array([channel, level, *slope]).tobytes(), outer.model
    if key in outer.planes:
        return
    outer.planes[key] = plane
    if outer.seen[channel].lattice is not None:  # what is listed is worth what it earns after its cost
        slope = slope - outer.problem.ways[channel].cost
    worth: Part = outer.worths[[channel]], 1.0
    rises: Part = _own(outer, channel), -slope * model.money / outer.worth
    on = model.switches.get(channel)
    if on is None:
        model.row(-np.inf, level / outer.worth, worth, rises)
    else:
        model.row(-np.inf, 0.0, worth, rises, (on, -level / outer.worth))


def _steps_closer(outer: Outer, channel: int, steps: Lattice, money: Float[np.ndarray, " decision"]) -> None:
    """The best courses in steps of about a channel's money."""
    total = steps.step * round(float(money.sum()) / steps.step)
    known = len(steps.beyond)
    if total > steps.most:
        look(steps, money[None])
    if find(steps, [total - steps.step, total, total + steps.step]) or len(steps.beyond) > known:
        places, row = outer.choices[channel]
        upper = table(steps, outer.seen[channel].known).upper
        for place, most in zip(places.tolist(), upper.tolist(), strict=True):
            outer.model.solver.changeCoeff(row, place, -most / outer.worth)


def _chosen(outer: Outer, channel: int, steps: Table) -> None:
    """A yes or no for each total in whole steps, and what it earns at the most."""
    model, own = outer.model, _own(outer, channel)
    whole = len(steps.spend) <= MANY or outer.seen[channel].view.bent
    one = model.columns(len(steps.spend), 0.0, 1.0, whole)
    model.row(1.0, 1.0, (one, 1.0))
    model.row(0.0, 0.0, (own, 1.0), (one, -steps.spend / model.money))
    _switched(outer, channel, one, steps)
    outer.choices[channel] = one, int(model.solver.getNumRow())
    model.row(-np.inf, 0.0, (outer.worths[[channel]], 1.0), (one, -steps.upper / outer.worth))


def _run(outer: Outer, channel: int, known: Table) -> None:
    """The concave runs of a table of totals, of which one is chosen."""
    model, own = outer.model, _own(outer, channel)
    if channel in model.switches and known.gap is None and known.spend[0] == 0 and len(known.spend) > 1:
        known = replace(known, gap=(0.0, float(known.spend[1])))  # so that spending nothing is a run of its own
    runs = runs_of([known], DRAWN * outer.worth * UNIT)
    on, taken = model.columns(len(runs.owner), 0.0, 1.0, whole=True), model.columns(len(runs.length), 0.0, 1.0)
    model.row(1.0, 1.0, (on, 1.0))
    for share, run in zip(taken.tolist(), runs.run.tolist(), strict=True):
        model.row(-np.inf, 0.0, (np.array([share]), 1.0), (on[[run]], -1.0))
    model.row(0.0, 0.0, (own, 1.0), (on, -runs.start / model.money), (taken, -runs.length / model.money))
    gain = runs.slope * runs.length / outer.worth
    model.row(-np.inf, 0.0, (outer.worths[[channel]], 1.0), (on, -runs.base / outer.worth), (taken, -gain))
    _switched(outer, channel, on, known)


def _switched(outer: Outer, channel: int, chosen: np.ndarray, known: Table) -> None:
    """The first choice is to spend nothing, where the channel is counted: it is not active then."""
    if channel in outer.model.switches and known.spend[0] == 0:
        outer.model.row(1.0, 1.0, (chosen[:1], 1.0), (outer.model.switches[channel], 1.0))
