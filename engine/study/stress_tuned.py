"""Policies of a stress test tuned: the plans that hold money back, and what of a question can be tuned."""

from dataclasses import replace

from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.response.curves import Curves
from engine.stress.policies import Policy
from engine.stress.rolling import planner
from engine.stress.trial import Start
from engine.stress.tuning import Of, Search, Tell, Tuned, silent, tuned
from engine.study.ask import curves_of
from engine.study.stress import Asked, Prepared
from engine.study.stress_held_back import held_back


def require_tunable(ready: Prepared) -> None:
    """Refuse what leaves nothing to tune.

    Raises:
        InputError: Nothing is left to chance, or the plan decides once.
    """
    name = ready.work.trial.setting.planned.name
    if ready.shocks != "montecarlo":
        raise InputError(
            f"scenario {name!r}: --tune needs shocks by chance, to tune on some paths and judge on others, and --set "
            f"{ready.shocks} is played; add --set montecarlo, or leave --tune out"
        )
    if ready.work.trial.setting.grid.count < 2:
        raise InputError(
            f"scenario {name!r}: the plan decides once, so no reserve is ever released and nothing is planned anew; "
            'write horizon.decide = "quarter" or "month" and a horizon that holds several, or leave --tune out'
        )


def tuned_policies(
    asked: Asked, ready: Prepared, policies: tuple[Policy, ...], of: Of, tell: Tell = silent
) -> tuple[Tuned, ...]:
    """The best reserve and band of some policies, judged on as many fresh paths as the stress test has.

    Raises:
        InputError: Nothing can be tuned, or rules are not planned anew yet.
        InfeasibleError: What the scenario's own reserve leaves keeps no plan.
    """
    require_tunable(ready)
    work, told = ready.work, ready.work.trial.setting
    curves = curves_of(asked.fit, asked.accept_weak_fit)
    trial = replace(work.trial, plan=Start(told, planner(told, ready.plan.cells)))
    search = Search(policies=policies, of=of, fresh=work.count)
    return tuned(trial, work.cases[0].shocks, lambda share: _held_back(curves, told.planned, share), search, tell)


def _held_back(curves: Curves, scenario: Scenario, share: float) -> Start | None:
    """The plan that holds a share back; None where the rest keeps no plan."""
    try:
        return held_back(curves, scenario, share)
    except InfeasibleError:
        return None
