"""What a stress test comes to: its numbers put together for the report."""

import importlib

import numpy as np
from jaxtyping import Float

from engine.report.stress import TOLD, choice
from engine.stress.account import Account
from engine.stress.bridge import steps
from engine.stress.play import Paths, works
from engine.stress.probes import (
    break_evens,
    bridge,
    committed_costs,
    each_draw,
    held_outcomes,
    worst_paths,
)
from engine.stress.readout import (
    DUST,
    Answer,
    Bar,
    CaseReading,
    Reading,
    WorstPath,
    reading,
    spread,
    terms_of,
)
from engine.stress.run import TOLD_APART, Gathered, hash_of
from engine.stress.sets import tornado_ends
from engine.stress.setting import Setting
from engine.stress.trial import Trial
from engine.study.stress import Prepared

NAMED = {
    "scenario": "the scenario's shocks",
    "ladder": "the ladder of shocks",
    "montecarlo": "the scenario's shocks by chance",
    "replay": "past years replayed",
}


def answered(ready: Prepared, found: tuple[Gathered, ...]) -> Answer:
    """The whole answer of what was played."""
    trial, plan = ready.work.trial, ready.plan
    setting, paths = trial.setting, each_draw(trial)
    curves, target = setting.curves, setting.planned.stress.target
    calm = held_outcomes(trial, (), paths, works(setting, paths))
    planned = spread(calm.outcome.sum(axis=1))
    cases = tuple(_read(trial, one, calm) for one in found)
    bars, worst = _apart(trial, found[-1], cases[-1], planned.mean)
    own = ready.shocks in ("scenario", "montecarlo")
    surprises = tuple(shock for shock in setting.planned.shocks if not shock.expected)
    return Answer(
        scenario=setting.planned.name,
        currency=plan.currency,
        unit=curves.currency if curves.is_money else "",
        measure=curves.measure,
        span=f"{plan.start} to {plan.end}",
        asked=NAMED[ready.shocks],
        planned=planned,
        calm=float(np.mean(calm.outcome.sum(axis=1) >= (planned.mean if target is None else target) * (1 - DUST))),
        spend=float(setting.money.sum()),
        target=target,
        level=setting.planned.stress.level,
        days=tuple(map(str, setting.days)),
        cases=cases,
        bridge=bars,
        tornado=_tornado(trial, planned.mean) if own else (),
        worst=worst,
        even=break_evens(trial, surprises) if own else (),
        committed=committed_costs(setting, plan),
        queue=_queue(setting),
        warnings=ready.warnings,
        seed=trial.seed,
        hash=hash_of(found),
        made_from=ready.made_from,
        terms=terms_of(setting),
        bridged=len(found[-1].steps) if bars else 0,
        aim=plan.measure if plan.measure != curves.measure else "",
    )


def _queue(setting: Setting) -> tuple[tuple[str, float, float], ...]:
    """What becomes of leads; what simulates teams is loaded only where somebody has to sell."""
    if setting.planned.stress.sales is None:
        return ()
    told: tuple[tuple[str, float, float], ...] = importlib.import_module("engine.stress.selling").queue(setting)
    return told


def _read(trial: Trial, one: Gathered, calm: Account) -> CaseReading:
    hold = one.accounts.get("hold")
    told = tuple(reading(trial, policy, found, hold, calm, one.draw) for policy, found in one.accounts.items())
    return CaseReading(one.case.name, one.case.family, len(one.number), told)


def _steps(trial: Trial, one: Gathered, number: int) -> Float[np.ndarray, " step"]:
    """The steps of one path from the plan to its outcome."""
    path = Paths(one.number[number : number + 1], one.draw[number : number + 1])
    return steps(trial, one.case.shocks, path, works(trial.setting, path))[0]


def _apart(
    trial: Trial, one: Gathered, case: CaseReading, planned: float
) -> tuple[tuple[Bar, ...], tuple[WorstPath, ...]]:
    """The bridge and the worst paths of the best policy, where several shocks come together."""
    if one.case.family not in TOLD_APART:
        return (), ()
    best: Reading = choice(case)
    account = next(found for policy, found in one.accounts.items() if policy == best.policy)
    names = [*(shock.name for shock in one.case.shocks), TOLD[best.policy]]
    bars = bridge(names, planned, one.steps, account.outcome.sum(axis=1)[: len(one.steps)])
    apart = {number: _steps(trial, one, number) for number in best.worst}
    worst = worst_paths(one.case.shocks, apart, one.factors, (best.policy, account, best.worst), planned)
    return bars, worst


def _tornado(trial: Trial, planned: float) -> tuple[Bar, ...]:
    """What each shock changes alone, at both of its ends, while the plan is held."""
    paths = each_draw(trial)
    ways, bars = works(trial.setting, paths), []
    for low, high in tornado_ends(trial.setting):
        ends = [
            float(held_outcomes(trial, case.shocks, paths, ways).outcome.sum(axis=1).mean()) - planned
            for case in (low, high)
        ]
        bars.append(Bar(high.name.removesuffix(": 95 % point"), *ends))
    return tuple(bars)
