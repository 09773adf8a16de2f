"""Room: what more of it by some rules really earns a plan of several decisions, whatever else holds the plan.

Where the rows that hold a plan depend on each other (caps that take the whole budget, a total beside its parts), their
multipliers form a set, perhaps one without end, and a solver names some member of it. What counts is the best small
move of money that keeps all other rows (Gauvin, 1977): it says the same where multipliers are known, and that there
is no such move where the money has nowhere to go.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from engine.optimize.over_time.ascent import Holds, holds
from engine.optimize.rules import Problem

FARTHEST = 1e4  # units of money that one unit of room moves in any cell, at the most
SAME = 1e-7  # of a unit of room: what rows may miss and count as moved together


@dataclass(frozen=True)
class Room:
    """What holds a plan, asked what moving the limits of some rules earns."""

    problem: Problem
    held: Holds

    @property
    def steepest(self) -> float:
        """The most that a unit of money earns, or loses, in any cell."""
        return max(float(np.abs(self.held.slope).max()), 1e-300)

    def of_money(self, quarter: int = 0) -> float:
        """What a unit more in all earns, or in a quarter and so in all; minus infinity where no plan has it."""
        move = np.array([rule.share for rule in self.problem.rules])
        move[[0, quarter]] = 1.0
        return self._earned(move)

    def by(self, index: int) -> float:
        """What a unit of room by one rule earns: a higher cap, a lower floor, any move of an amount.

        A minimum flight that keeps a cell on the ground earns nothing by giving way a little.
        """
        rule, move = self.problem.rules[index], np.zeros(len(self.problem.rules))
        move[index] = 1.0
        ways = [move] * math.isfinite(rule.high) + [-move] * (math.isfinite(rule.low) or rule.flight > 0)
        return max([0.0, *(self._earned(way) for way in ways)])

    @cached_property
    def _along(self) -> Float[np.ndarray, "row move"]:
        """How limits of the tight rows can move at once while all of them stay tight, as a basis."""
        left, size, _ = np.linalg.svd(self.held.weights[self.held.tight], full_matrices=False)
        return left[:, size > SAME * size.max(initial=0.0)]

    def _earned(self, move: Float[np.ndarray, " rule"]) -> float:
        """What moving the limits of rules earns [objective per unit]; minus infinity where no plan follows."""
        held, tight = self.held, self.held.tight
        limits = np.where(held.rule >= 0, held.sign * move[held.rule], 0.0)
        off = limits[tight] - self._along @ (self._along.T @ limits[tight])
        if np.all(np.abs(off) <= SAME):
            return float(held.pull @ limits)
        exact, loose = tight & held.exact, tight & ~held.exact
        found = linprog(
            -held.slope / self.steepest,
            held.weights[loose],
            limits[loose],
            held.weights[exact],
            limits[exact],
            bounds=(-FARTHEST, FARTHEST),
            method="highs",
        )
        return -float(found.fun) * self.steepest if found.status == 0 else -math.inf


def room(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Room | None:
    """What holds a plan at the top of its hill; None where the program that tells it is not solved."""
    found = holds(problem, spend)
    return None if found is None else Room(problem, found)
