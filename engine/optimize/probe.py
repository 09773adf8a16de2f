"""Whether the solvers that the planner needs are here and give known answers."""

from dataclasses import dataclass
from importlib import metadata

import cvxpy as cp
import numpy as np

PACKAGES = {"CLARABEL": "clarabel", "HIGHS": "highspy"}
TOLERANCE = 1e-5


@dataclass(frozen=True)
class SolverProbe:
    """One solver: its version, and what is wrong with it (nothing where `fault` is empty)."""

    name: str
    version: str
    fault: str


def probe_solvers() -> tuple[SolverProbe, ...]:
    """Each solver asked a question whose answer is known.

    Clarabel splits one unit over two channels of response 2 sqrt(a) + sqrt(b): best is (0.8, 0.2), worth
    sqrt(5). HiGHS packs weights 3, 4, 2 worth 10, 13, 7 into 5: best is the first and the last, worth 17.
    """
    spend = cp.Variable(2, nonneg=True)
    split = cp.Problem(cp.Maximize(2 * cp.sqrt(spend[0]) + cp.sqrt(spend[1])), [cp.sum(spend) <= 1])
    take = cp.Variable(3, boolean=True)
    pack = cp.Problem(cp.Maximize(np.array([10, 13, 7]) @ take), [np.array([3, 4, 2]) @ take <= 5])
    return (_ask("CLARABEL", split, 5**0.5), _ask("HIGHS", pack, 17.0))


def _ask(name: str, question: cp.Problem, known: float) -> SolverProbe:
    version = metadata.version(PACKAGES[name])
    if name not in cp.installed_solvers():
        return SolverProbe(name, version, "cvxpy does not see it")
    try:
        found = question.solve(solver=name)
    except cp.error.SolverError as fault:
        return SolverProbe(name, version, f"failed on a known question ({fault})")
    if question.status != cp.OPTIMAL or abs(found - known) > TOLERANCE:
        return SolverProbe(
            name, version, f"answered {found} ({question.status}) to a question whose answer is {known:g}"
        )
    return SolverProbe(name, version, "")
