"""Rules that count in whole numbers, beside all others, as one mixed-integer program over spend alone.

Whatever money earns: which spend is nearest to one that does not keep them, and is there one at all?
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import highspy
import numpy as np
from jaxtyping import Float

from engine.errors import UntrustworthyError
from engine.optimize.conflict.elastic import EXACT, STAKE, money_of, quiet_solver
from engine.optimize.conflict.feasible import nearest as nearest_on_its_sides
from engine.optimize.rule import Rule

FAR = 100.0  # times the largest limit that asks for money: what nothing limits spends no more
LONGEST = 30.0  # seconds after which HiGHS stops
CLOSELY = 0.02  # relative gap of a distance: which of two spends is a little nearer does not matter
HELD = 1e-6  # of all spend: a channel with less counts as one without


@dataclass
class Model:
    """A program as it is written down: columns and rows, in a unit of money of its own."""

    money: float  # the user's money in one unit
    reach: float  # more than any cell or channel spends [units]
    solver: highspy.Highs = field(default_factory=quiet_solver)
    count: int = 0
    is_whole: bool = False  # whether some unknown is a whole number
    switches: dict[int, np.ndarray] = field(default_factory=dict)  # of channels whose number has an upper limit

    def columns(self, number: int, cost: float, most: float, whole: bool = False) -> np.ndarray:
        """So many more unknowns between 0 and a limit; their places."""
        at = np.arange(self.count, self.count + number, dtype=np.int32)
        nothing = np.zeros(0)
        ends = np.zeros(number), np.full(number, most)
        self.solver.addCols(
            number, np.full(number, cost), *ends, 0, np.zeros(number, np.int32), nothing.astype(np.int32), nothing
        )
        if whole and number:
            self.is_whole = True
            self.solver.changeColsIntegrality(number, at, np.full(number, highspy.HighsVarType.kInteger))
        self.count += number
        return at

    def row(self, low: float, high: float, *parts: tuple[np.ndarray, np.ndarray | float]) -> None:
        """`low <= sum of coefficients times unknowns <= high`."""
        places = np.concatenate([at for at, _ in parts]).astype(np.int32)
        values = np.concatenate([np.broadcast_to(value, at.shape) for at, value in parts]).astype(float)
        self.solver.addRow(low, high, len(places), places, values)


def can_be_kept(rules: Sequence[Rule], decisions: int) -> bool:
    """Whether some spend keeps all rules, those that count in whole numbers too."""
    return _answered(rules, decisions, None) is not None


def nearest(rules: Sequence[Rule], decisions: int, spend: Float[np.ndarray, " cell"]) -> np.ndarray | None:
    """A spend that keeps all rules and is close to another in the sum of all moves; None where there is none."""
    found = _answered(rules, decisions, spend)
    if found is None:
        return None
    sides = settled(rules, decisions, found)
    exact = nearest_on_its_sides(sides, found)
    return found if exact is None else snapped(rules, decisions, exact)


def least_give(rules: Sequence[Rule], decisions: int, at: int) -> np.ndarray | None:
    """A spend that keeps all rules but one, which it breaks by as little as can be; None where there is none."""
    found = _answered(rules, decisions, None, at)
    if found is None:
        return None
    rest = [rule for index, rule in enumerate(rules) if index != at]
    return snapped(rest, decisions, found)


def settled(rules: Sequence[Rule], decisions: int, spend: Float[np.ndarray, " cell"]) -> tuple[Rule, ...]:
    """The rules with those that count as limits that hold a spend's numbers: in their order, more at the end."""
    held, more = [], list[Rule]()
    nothing = HELD * float(spend.sum())
    for rule in rules:
        if rule.step:
            amount = rule.step * round(float(rule.weights @ spend) / rule.step)
            held.append(replace(rule, step=0.0, low=amount, high=amount))
        elif rule.active:
            held.append(replace(rule, active=None))
            more += _held_active(rule, decisions, spend, nothing)
        else:
            held.append(rule)
    return (*held, *more)


def snapped(rules: Sequence[Rule], decisions: int, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """A spend with what is nearly a whole number of steps, or nearly nothing where channels are counted, made so."""
    exact = spend.copy()
    for rule in rules:
        if rule.step:
            *before, last = np.flatnonzero(rule.weights).tolist()  # of a decision that has begun the first part is over
            amount = rule.step * round(float(rule.weights @ spend) / rule.step)
            exact[last] = max(0.0, amount - float(exact[before].sum()))
    for rule in rules:
        if rule.active and rule.active.most is not None:
            totals = exact.reshape(-1, decisions).sum(axis=1)
            off = rule.members(decisions) & (totals <= HELD * exact.sum())
            exact = np.where(np.repeat(off, decisions), 0.0, exact)
    return exact


def _held_active(rule: Rule, decisions: int, spend: np.ndarray, nothing: float) -> list[Rule]:
    """Channels without spend stay without, where few may be active; enough keep what they must spend to count."""
    asked, totals = rule.active, spend.reshape(-1, decisions).sum(axis=1)
    members = np.flatnonzero(rule.members(decisions))
    found = []
    if asked and asked.most is not None:
        off = [channel for channel in members if totals[channel] <= nothing]
        cells = [channel * decisions + at for channel in off for at in range(decisions)]
        found += [Rule(rule.name, np.eye(len(spend))[cell], high=0.0) for cell in cells]
    if asked and asked.least:
        counted = sorted(members, key=lambda channel: -totals[channel])[: asked.least]
        own = (np.repeat(np.arange(len(totals)) == channel, decisions).astype(float) for channel in counted)
        found += [Rule(rule.name, weights, low=asked.each) for weights in own]
    return found


def _answered(
    rules: Sequence[Rule], decisions: int, spend: np.ndarray | None, loose: int | None = None
) -> np.ndarray | None:
    """The spend of a solution, nearest to another where one is given; None where there is none.

    The rule at `loose` gives way by as little as can be.

    Raises:
        UntrustworthyError: The solver stopped before it knew.
    """
    model, cells = posed(rules, decisions, loose)
    solver, money = model.solver, model.money
    if spend is not None:
        less, more = (model.columns(len(cells), 1.0, np.inf) for _ in range(2))
        for at, was in enumerate(spend / money):
            model.row(was, was, (cells[[at]], 1.0), (less[[at]], 1.0), (more[[at]], -1.0))
    near = CLOSELY if loose is None else EXACT
    for option, value in (("mip_feasibility_tolerance", EXACT), ("mip_rel_gap", near), ("time_limit", LONGEST)):
        solver.setOptionValue(option, value)
    solver.run()
    values = np.asarray(solver.getSolution().col_value)
    if solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        return np.maximum(0.0, values[: len(cells)]) * money
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    raise UntrustworthyError(
        f"no plan was found in {LONGEST:g} seconds that keeps steps and numbers of channels, and no proof that there "
        "is none; drop some of these rules, or make steps smaller"
    )


def posed(rules: Sequence[Rule], decisions: int, loose: int | None = None) -> tuple[Model, np.ndarray]:
    """The program of all rules, without a goal, and the places of the cells; the rule at `loose` gives way."""
    capped = loose != 0 and np.isfinite(rules[0].high) and (rules[0].weights == 1).all()
    total = rules[0].high if capped else np.inf
    money = max(money_of(rules), 1e-300)
    model = Model(money, min(total / money, FAR * STAKE) * (1 + 1e-9))
    cells = model.columns(len(rules[0].weights), 0.0, model.reach)
    for at, rule in enumerate(rules):
        _ruled(model, rule, cells, decisions) if at != loose else _loose(model, rule, cells)
    return model, cells


def _loose(model: Model, rule: Rule, cells: np.ndarray) -> None:
    """One limit that gives way at a price."""
    given = model.columns(1, 1.0, np.inf)
    own = np.flatnonzero(rule.weights)
    model.row(rule.low / model.money, np.inf, (cells[own], rule.weights[own]), (given, 1.0))
    model.row(-np.inf, rule.high / model.money, (cells[own], rule.weights[own]), (given, -1.0))


def _ruled(model: Model, rule: Rule, cells: np.ndarray, decisions: int) -> None:
    """One rule, with the whole numbers that it needs."""
    own = np.flatnonzero(rule.weights)
    weights = rule.weights[own]
    if np.isfinite(rule.low) or np.isfinite(rule.high):
        model.row(rule.low / model.money, rule.high / model.money, (cells[own], weights))
    if rule.flight:
        flown = model.columns(1, 0.0, 1.0, whole=True)
        model.row(0.0, np.inf, (cells[own], weights), (flown, -rule.flight / model.money))
        model.row(-np.inf, 0.0, (cells[own], weights), (flown, -model.reach))
    if rule.step:
        steps = model.columns(1, 0.0, np.inf, whole=True)
        model.row(0.0, 0.0, (cells[own], weights), (steps, -rule.step / model.money))
    if rule.active:
        _counted(model, rule, cells, decisions)


def _counted(model: Model, rule: Rule, cells: np.ndarray, decisions: int) -> None:
    """A yes or no for each channel that a number counts."""
    asked, members = rule.active, np.flatnonzero(rule.members(decisions))
    if asked is None:
        return
    own = [cells[channel * decisions : (channel + 1) * decisions] for channel in members]
    if asked.most is not None and len(members):
        switches = [_switch(model, channel, inside) for channel, inside in zip(members.tolist(), own, strict=True)]
        model.row(-np.inf, float(asked.most), (np.concatenate(switches), 1.0))
    if asked.least:
        on = model.columns(len(members), 0.0, 1.0, whole=True)
        for at, inside in enumerate(own):
            model.row(0.0, np.inf, (inside, 1.0), (on[[at]], -asked.each / model.money))
        model.row(float(asked.least), np.inf, (on, 1.0))


def _switch(model: Model, channel: int, inside: np.ndarray) -> np.ndarray:
    """The place of a yes or no without which a channel spends nothing."""
    if channel not in model.switches:
        on = model.switches[channel] = model.columns(1, 0.0, 1.0, whole=True)
        model.row(-np.inf, 0.0, (inside, 1.0), (on, -model.reach))
    return model.switches[channel]
