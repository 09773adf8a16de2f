"""What a stress test comes to: its numbers put together for the report."""

import importlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.rules import Problem
from engine.periods import step
from engine.report.stress_choice import TOLD, choice, told_case
from engine.stress.account import OF_PROFIT, Account
from engine.stress.bridge import steps
from engine.stress.heeded import closed, heeded, rules_asked
from engine.stress.history import Past
from engine.stress.moved import moved
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
    Gain,
    Reading,
    WorstPath,
    gain,
    quarters_of,
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
    rules = rules_asked(setting)
    cases = tuple(_read(trial, one, calm, rules) for one in found)
    bars, worst = _apart(trial, found[-1], cases[-1], planned.mean)
    own = ready.shocks in ("scenario", "montecarlo")
    answer = Answer(
        scenario=setting.planned.name,
        currency=plan.currency,
        unit=curves.currency if curves.is_money else "",
        measure=curves.measure,
        span=f"{plan.start} to {plan.end}",
        asked=_asked(ready),
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
        even=break_evens(trial) if own else (),
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
    return _with_moves(_beside(answer, ready, calm), setting, found)


def _beside(answer: Answer, ready: Prepared, calm: Account) -> Answer:
    """The answer with the plan without shocks, and what policies go by."""
    trial, setting = ready.work.trial, ready.work.trial.setting
    return replace(
        answer,
        unshocked=reading(trial, "plan", calm, None, calm),
        band=trial.band,
        reserve=setting.planned.stress.reserve,
        decisions=tuple(map(str, setting.grid.begins)),
        replayed=_replayed(ready.work.past),
    )


def _asked(ready: Prepared) -> str:
    """The set of shocks in words."""
    dates = _replayed(ready.work.past)
    return f"{NAMED[ready.shocks]}{f' ({dates[0]} to {dates[1]})' if dates else ''}"


def _replayed(past: Past | None) -> tuple[str, ...]:
    """First and last day of the history that is replayed."""
    return () if past is None else (str(past.starts[0]), str(step(step(past.starts[-1], 1, past.period), -1, "day")))


def _with_moves(answer: Answer, setting: Setting, found: tuple[Gathered, ...]) -> Answer:
    """The answer with where the money goes in the case that is told, under the policy chosen there."""
    case = told_case(answer)
    policy = choice(case).policy
    account = _account(found[answer.cases.index(case)], policy)
    return replace(answer, moved=moved(setting, account, quarters_of(setting)), moved_in=(case.name, policy))


def _account(one: Gathered, policy: str) -> Account:
    return next(account for name, account in one.accounts.items() if name == policy)


def _queue(setting: Setting) -> tuple[tuple[str, float, float], ...]:
    """What becomes of leads; what simulates teams is loaded only where somebody has to sell."""
    if setting.planned.stress.sales is None:
        return ()
    told: tuple[tuple[str, float, float], ...] = importlib.import_module("engine.stress.selling").queue(setting)
    return told


def _read(trial: Trial, one: Gathered, calm: Account, rules: Problem) -> CaseReading:
    accounts, hold = one.accounts, one.accounts.get("hold")
    by_profit = trial.setting.planned.goal.maximise in OF_PROFIT
    earned: dict[str, Float[np.ndarray, " path"]] = {
        name: (found.profit if by_profit else found.outcome).sum(axis=1) for name, found in accounts.items()
    }
    shut = closed(trial, one.case, Paths(one.number, one.draw))
    told = []
    for policy, found in accounts.items():
        kept = heeded(trial.setting, rules, found.spend, shut)
        told.append(
            replace(
                reading(trial, policy, found, hold, calm, one.draw),
                over_first=_over(earned, policy, next(iter(accounts)), one.draw),
                over_trim=_over(earned, policy, "trim", one.draw),
                broken=kept.broken,
                unkept=kept.unkept,
            )
        )
    size = [abs(shock.size - 1) for shock in one.case.shocks if shock.factor is not None]
    return CaseReading(
        name=one.case.name,
        family=one.case.family,
        paths=len(one.number),
        policies=tuple(told),
        by_profit=by_profit,
        harsher_than=one.case.harsher_than,
        size=size[0] if len(size) == 1 == len(one.case.shocks) else None,
    )


def _over(
    earned: Mapping[str, Float[np.ndarray, " path"]], policy: str, other: str, draws: Int[np.ndarray, " path"]
) -> Gain | None:
    """What a policy brings beyond another one; None beside itself, or where the other is not played."""
    return None if other == policy or other not in earned else gain(earned[policy], earned[other], draws)


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
    account = _account(one, best.policy)
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
