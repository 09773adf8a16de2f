"""Which minimum flights are flown: what rules decide by themselves, and a mixed-integer program for the rest."""

from collections.abc import Sequence

import highspy
import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.closeness import CERTIFIED
from engine.optimize.conflict.elastic import EXACT, NEAR, STAKE, Program, Question, Sides, ended, quiet_solver
from engine.optimize.rules import Rule

NODES = 500  # of a mixed-integer program that looks for the cheapest way
FAR = 100.0  # times that limit: what a channel without any upper limit spends at the most, where flights are chosen


def settled(program: Program, question: Question) -> dict[int, tuple[bool, int]]:
    """Flights whose side another rule decides, each with that rule: there must be spend, or there is too little."""
    flights, counted = program.flights, _counted(program.rules, question)
    if not flights.rules:
        return {}
    forced, held = flights.forced.first(counted), flights.held.first(counted)
    short = flights.most(np.where(counted, 0.0, np.inf)) < flights.least - EXACT * program.money
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
    reach = np.minimum(flights.most(np.where(question.kept, 0.0, np.inf)), FAR * STAKE * program.money)
    cost: np.ndarray = np.where(flown, program.money / np.maximum(reach, flights.least), 0.0) @ flights.amount
    return cost


def chosen(
    program: Program, question: Question, sides: Sides, cost: float = np.inf
) -> tuple[dict[int, bool] | None, bool]:
    """The sides of all flights in the cheapest way to keep the rules, by a mixed-integer program; None if none.

    The second says whether that is proven, the cost up to `CERTIFIED` of itself.

    Args:
        program: The rules.
        question: What is asked.
        sides: Flights that are not to be chosen.
        cost: Of a way that is known [currency]; dearer ones are not looked for.
    """
    flights = program.flights
    left = _left(program, question, sides)
    room = _room(program, question, cost)
    numbers = _numbers(program, left, room)
    if any(least > most for _, least, most in numbers):
        return None, True
    solver = _whole(program, question, sides, left, room)
    first = solver.getNumCol() - len(left)
    for inside, least, most in numbers:
        solver.addRow(least, most, len(inside), (first + inside).astype(np.int32), np.ones(len(inside)))
    status = ended(solver)
    values = np.asarray(solver.getSolution().col_value)
    if status == highspy.HighsModelStatus.kInfeasible or not len(values):
        return None, status == highspy.HighsModelStatus.kInfeasible
    flown = zip(left, (values[first:] > 0.5).tolist(), strict=True)
    found = dict(sides) | {flights.rules[flight]: on for flight, on in flown}
    return found, status == highspy.HighsModelStatus.kOptimal


def _whole(
    program: Program, question: Question, sides: Sides, left: list[int], room: Float[np.ndarray, " rule"]
) -> highspy.Highs:
    """A solver with the program and a yes or no for each flight that is left to choose."""
    flights = program.flights
    solver = quiet_solver()
    solver.setOptionValue("mip_feasibility_tolerance", EXACT)
    solver.setOptionValue("mip_rel_gap", CERTIFIED)
    if question.price.any():
        solver.setOptionValue("mip_max_nodes", NODES)
    solver.passModel(program.posed(question, sides))
    first, count, cells = solver.getNumCol(), len(left), flights.amount.shape[1]
    solver.addVars(count, np.zeros(count), np.ones(count))
    whole = np.full(count, highspy.HighsVarType.kInteger)
    solver.changeColsIntegrality(count, np.arange(first, first + count, dtype=np.int32), whole)
    reach = np.minimum(flights.most(room), FAR * STAKE * program.money)
    for at, flight in enumerate(left):
        touched = flights.amount[flight].nonzero()[0]
        amount, least = flights.amount[flight][touched], flights.least[flight] / program.money
        index = np.array([*touched, cells + flights.rules[flight], first + at], np.int32)
        solver.addRow(0.0, np.inf, len(index), index, np.array([*amount, 1.0, -least]))
        most = max(least, reach[flight] / program.money)
        solver.addRow(-np.inf, 0.0, len(index), index, np.array([*amount, 0.0, -most]))
    return solver


def is_ruled_out(program: Program, question: Question, sides: Sides) -> bool:
    """Whether counting flights is enough to see that rules cannot be kept."""
    numbers = _numbers(program, _left(program, question, sides), _room(program, question, np.inf))
    return any(least > most for _, least, most in numbers)


def _left(program: Program, question: Question, sides: Sides) -> list[int]:
    return [at for at, rule in enumerate(program.flights.rules) if question.kept[rule] and rule not in sides]


def _counted(rules: Sequence[Rule], question: Question) -> Bool[np.ndarray, " rule"]:
    """Rules that count with their limits in money as they are."""
    counted: np.ndarray = question.kept & ~question.loose & ~_moving(rules, question)
    return counted


def _moving(rules: Sequence[Rule], question: Question) -> Bool[np.ndarray, " rule"]:
    """Rules that are shares of a total which may give way."""
    return np.array([bool(rule.share) for rule in rules]) & bool(question.loose[0])


def _room(program: Program, question: Question, cost: float) -> Float[np.ndarray, " rule"]:
    """By how much each rule may give way where all together costs no more than something [currency]; infinite: any."""
    room = np.where(_counted(program.rules, question), 0.0, np.inf)
    loose = question.kept & question.loose & ~_moving(program.rules, question)
    if question.given is not None:
        room[loose] = question.given
    priced = loose & (question.price > 0)
    room[priced] = cost / question.price[priced]
    return room


Number = tuple[np.ndarray, int, int]  # flights, by their place among those that are left, and how many are flown


def _numbers(program: Program, left: list[int], room: Float[np.ndarray, " rule"]) -> list[Number]:
    """How many of the flights within each rule must be flown at the least, and can be at the most.

    So many of the smallest fit into its upper limit, and so few of the largest reach its lower one. A mixed-integer
    program that does not know this tries one flight after the other.
    """
    flights, slack, found = program.flights, NEAR * program.money, []
    reach = flights.most(room)
    need = np.maximum(0.0, flights.least - room[list(flights.rules)])
    for at, all_inside in flights.within:
        rule, more, inside = program.rules[at], float(room[at]), all_inside[np.isin(all_inside, left)]
        if not np.isfinite(more) or len(inside) < 2:
            continue
        most = int(np.searchsorted(np.cumsum(np.sort(need[inside])), rule.high + more + slack, "right"))
        least, short = 0, rule.low - more - slack
        if short > 0 and (flights.amount[inside].sum(axis=0) == rule.weights).all():
            least = 1 + int(np.searchsorted(np.cumsum(np.sort(reach[inside])[::-1]), short))
        found.append((np.searchsorted(left, inside), least, most))
    return found
