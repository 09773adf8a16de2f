"""Plans that hold money back: where policy `reserve` starts from, and what is tried where it is tuned."""

from engine.config.scenario import Scenario
from engine.errors import InfeasibleError
from engine.optimize.plan import optimize
from engine.response.curves import Curves
from engine.stress.rolling import planner
from engine.stress.setting import foreseen, setting
from engine.stress.trial import Start
from engine.words import percent


def held_back(curves: Curves, scenario: Scenario, share: float) -> Start:
    """The plan that holds a share of the money back, on top of what the scenario keeps back itself.

    Raises:
        InfeasibleError: No plan of what is left keeps the rules.
    """
    budget = scenario.budget
    kept = 1 - (1 - budget.reserve) * (1 - share)
    less = scenario.model_copy(update={"budget": budget.model_copy(update={"reserve": kept})})
    try:
        plan = optimize(curves, foreseen(less), priced=False)
    except InfeasibleError as fault:
        raise InfeasibleError(
            f"policy reserve holds {percent(share)} of the money back, and the rest keeps no plan ({fault}); "
            "lower stress.reserve, or leave that policy out"
        ) from None
    told = setting(curves, less, plan)
    return Start(told, planner(told, plan.cells))
