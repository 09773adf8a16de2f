"""Which channels are worth learning about: those of which knowing the response before planning is worth most."""

from dataclasses import replace

import numpy as np

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.asking import answered
from engine.optimize.over_time import several
from engine.optimize.risk.climb import chances, known
from engine.optimize.risk.information import GROUPS, MEMBERS, differs, grouped, planned_by_group, promised, responses_of
from engine.optimize.rules import Problem
from engine.optimize.solve import Memory, solve
from engine.response.curves import Curves

USUAL = 2  # channels that are found
LOOKED_AT = 2  # times as many as are wanted are planned for: those that promise most


def with_learners(curves: Curves, scenario: Scenario) -> Scenario:
    """The scenario with the channels named that its money for learning goes to; as it is where none are to be found.

    They are those whose perfect information is worth most to the plan without that rule, of those that promise most by
    slope and bend; of several decisions, to one split of the horizon.

    Raises:
        InputError: There are too few draws to tell, or knowing more is worth nothing.
        InfeasibleError: No plan keeps the other rules.
    """
    learn = scenario.learn
    if learn is None or learn.channels:
        return scenario
    place = f"scenario {scenario.name!r}: learn names no channels"
    if curves.draws < 2 * MEMBERS:
        raise InputError(
            f"{place}, and {curves.draws} draws are too few to tell which are worth learning about, where "
            f"{2 * MEMBERS} are needed; name them"
        )
    asked = answered(curves, scenario.model_copy(update={"learn": None}))
    problem = replace(asked.problem, returns=())
    found = _worth_most(several.flat(problem) if problem.ways else problem, learn.most or USUAL)
    if not found:
        raise InputError(
            f"{place}, and knowing the response of any would change no plan that these curves tell of; name them"
        )
    return scenario.model_copy(update={"learn": learn.model_copy(update={"channels": found, "most": None})})


def _worth_most(problem: Problem, count: int) -> tuple[str, ...]:
    """The channels whose perfect information is worth most, as long as it is worth anything."""
    memory: Memory = {}
    solved = solve(problem, memory)
    if solved is None:
        return ()
    plan = known(problem, solved.spend)
    responses = responses_of(problem, solved.spend)
    with np.errstate(invalid="ignore"):  # 0 / 0 where a channel has no open date
        promise = np.nan_to_num(promised(problem, responses, chances(problem, len(plan.values))))
    tried = np.argsort(-promise, kind="stable")[: LOOKED_AT * count].tolist()
    worth = {}
    for at in tried:
        if differs(responses, at):
            groups = grouped(responses, at, GROUPS)
            worth[problem.names[at]] = planned_by_group(problem, problem.names[at], plan, groups, memory).gain
    ranked = sorted(worth, key=lambda name: -worth[name])
    return tuple(name for name in ranked[:count] if worth[name] > 0)
