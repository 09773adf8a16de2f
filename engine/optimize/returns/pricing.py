"""What least returns cost a plan: what a unit of room by each earns at the margin, and what a real step of it does."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.returns.mixing import worth
from engine.optimize.returns.search import weighted
from engine.optimize.rules import Problem, priced_returns
from engine.optimize.solve import Memory, Solved, solve

STEP = 0.1  # of a least return: the real step


@dataclass(frozen=True)
class RowPrice:
    """What easing one least return earns."""

    name: str
    dual: float  # objective per unit of outcome that may be missing
    change: float  # outcome that may be missing in the real step, at the plan's money
    gain: float | None  # mean objective, less tolls, that asking again with it earns


def at_its_prices(problem: Problem, solved: Solved) -> Problem:
    """The question whose prices of all other rules are those of the plan: its least returns priced, not kept."""
    rows = priced_returns(problem)
    prices = np.array(solved.prices) if solved.prices else np.zeros(len(rows))
    return weighted(problem, rows, prices) if rows else replace(problem, returns=())


def priced_at(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Problem:
    """The same for a plan that is known by its spend alone; the prices are found anew."""
    found = solve(problem, {}, (spend,))
    return at_its_prices(problem, found) if found else replace(problem, returns=())


def row_prices(problem: Problem, solved: Solved, memory: Memory) -> list[RowPrice]:
    """The price of each least return that holds a plan."""
    totals = solved.spend.reshape(len(problem.names), -1).sum(axis=1)
    found = []
    for row, price in zip(priced_returns(problem), solved.prices, strict=False):  # without prices none holds the plan
        if price > 0:
            eased = tuple(one.eased(STEP) if one is row else one for one in problem.returns)
            again = solve(replace(problem, returns=eased), memory, (solved.spend,))
            gain = None if again is None else worth(problem, again.spend) - worth(problem, solved.spend)
            found.append(RowPrice(row.name, price, STEP * row.least * float(totals[row.members].sum()), gain))
    return found
