"""A stress test from files: a plan of the scenario, the shocks that meet it, and what each policy comes to."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from engine.config.loading import load
from engine.config.model import Model
from engine.config.scenario import Budget, Horizon, Scenario
from engine.config.shocks import Shock
from engine.data.read import read_dataset
from engine.errors import InfeasibleError, InputError
from engine.files import digest, read_bytes
from engine.optimize.plan import Plan, optimize
from engine.response.curves import Curves
from engine.stress.history import Past, past_of, without_prices
from engine.stress.levels import levels
from engine.stress.luck import met, require_correlation
from engine.stress.policies import ROLLING, Policy, committed_share
from engine.stress.rolling import planner
from engine.stress.run import Work
from engine.stress.sets import BY_CHANCE, PAST, Case, ladder, singles, together
from engine.stress.setting import Setting, foreseen, setting
from engine.stress.trial import Start, Trial
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.question import question
from engine.study.stress_doubts import doubts, require_idle
from engine.study.stress_held_back import held_back
from engine.words import exact, plain

ShockSet = Literal["scenario", "ladder", "montecarlo", "replay"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
USUAL: tuple[Policy, ...] = ("hold", "trim", "replan", "foresight")
REPLAYED: tuple[Policy, ...] = ("hold", "trim")  # nobody knows beforehand how a past year goes on
PATHS = 1000
ROUNDING = 1e-6  # of the money that a cut leaves


@dataclass(frozen=True)
class History:
    """A table of what was, and the model file that names its columns."""

    data: Path
    model: Path


@dataclass(frozen=True)
class Asked:
    """What is asked of a stress test."""

    scenario: Path
    fit: Path  # a fit folder or a curves file
    shocks: ShockSet | None = None  # by what the scenario holds, if absent
    policies: tuple[Policy, ...] = ()  # the usual ones, if none is named
    paths: int | None = None
    seed: int = 2027
    history: History | None = None  # what is replayed
    accept_weak_fit: bool = False


@dataclass(frozen=True)
class Prepared:
    """A stress test that is ready to run."""

    shocks: ShockSet
    plan: Plan
    work: Work
    warnings: tuple[str, ...]  # what a reader must know before acting on the answer
    made_from: str  # digests of the curves and the scenario


def prepared(asked: Asked) -> Prepared:
    """What is to be played, every contradiction refused before.

    Raises:
        InputError: A file is wrong, or what is asked says nothing together.
        InfeasibleError: No plan keeps the rules, or a cut that surely comes leaves less than is committed.
        UntrustworthyError: The fit is not to be trusted.
    """
    curves = curves_of(asked.fit, asked.accept_weak_fit)
    scenario = question(asked.scenario, curves)
    require_correlation(scenario)
    plan = optimize(curves, foreseen(scenario), priced=False)
    told = setting(curves, _with_money(scenario, plan), plan)
    every = singles(told)
    _require_notice(told)
    require_idle(told)
    which = asked.shocks or _usual_set(scenario)
    cases = _cases(told, which, every)
    if which in ("scenario", "montecarlo"):
        _require_paid(told)
    policies, notes = _policies(told, asked.policies, which)
    past = _past(asked, which)
    count, counted = _count(asked, which, told)
    work = Work(_trial(curves, Start(told, None), plan, policies, asked.seed), cases, count, past)
    return Prepared(
        shocks=which,
        plan=plan,
        work=work,
        warnings=(
            *fit_doubts(asked.fit),
            *notes,
            *counted,
            *doubts(work),
            *(_unpriced(past) if past else ()),
            *plan.warnings,
        ),
        made_from=_made_from(curves, asked),
    )


def _made_from(curves: Curves, asked: Asked) -> str:
    """Digests of the files behind the answer."""
    files = {"scenario": asked.scenario} | ({"history": asked.history.data} if asked.history else {})
    each = [f"{name} {digest(read_bytes(path))}" for name, path in files.items()]
    return ", ".join([f"curves {curves.made_from}", *each])


def _usual_set(scenario: Scenario) -> ShockSet:
    """The set that goes with what a scenario holds."""
    surprises = [shock for shock in scenario.shocks if not shock.expected]
    if not surprises:
        return "ladder"
    return "montecarlo" if any(shock.is_random for shock in surprises) else "scenario"


def _cases(told: Setting, which: ShockSet, every: tuple[Case, ...]) -> tuple[Case, ...]:
    """The cases of a set.

    Raises:
        InputError: It is one of the scenario's own shocks, and there are none.
    """
    if which == "ladder":
        return ladder(told)
    if which == "replay":
        return (Case(PAST, "replay", ()),)
    if not every:
        raise InputError(
            f"scenario {told.planned.name!r}: has no shocks that its plan does not reckon with, so --set {which} has "
            "nothing to play; write some under [[shocks]], or ask for --set ladder"
        )
    if which == "scenario":
        return (*every, *((together(told),) if len(every) > 1 else ()))
    surprises = tuple(shock for shock in told.planned.shocks if not shock.expected)
    return (Case(BY_CHANCE, "montecarlo", surprises),)


def _count(asked: Asked, which: ShockSet, told: Setting) -> tuple[int, tuple[str, ...]]:
    """Paths of each case, and what is told of that: each draw is played at least once, for the plan without shocks is
    known on all of them."""
    draws, wanted = told.curves.draws, told.planned.stress.paths
    if which in ("scenario", "ladder"):
        if asked.paths is not None:
            raise InputError(
                f"--paths goes with --set montecarlo and replay: --set {which} plays each case once on each of the "
                f"{draws} draws of the curves; leave it out"
            )
        ignored = f"stress.paths = {wanted} goes with --set montecarlo and replay: --set {which} plays each case once "
        return draws, (f"{ignored}on each of the {draws} draws of the curves",) if wanted not in (None, draws) else ()
    count = asked.paths or wanted or PATHS
    if count >= draws:
        return count, ()
    few = f"{count} paths are fewer than the {draws} draws of the curves, and what would differ between draws would "
    return draws, (f"{few}be taken for what shocks do: {draws} are played, one on each draw",)


def _policies(told: Setting, asked: tuple[Policy, ...], which: ShockSet) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """The policies in the order of their table, and what is told of them."""
    if asked:
        policies = tuple(policy for policy in POLICIES if policy in asked)
        if policies == ("foresight",):
            raise InputError(
                "policy foresight is what others are held against; name another one beside it, such as hold"
            )
        _require_decisions(told, policies)
        return policies, _unknowing(policies) if which == "replay" else ()
    if which == "replay":
        return REPLAYED, ()
    if not _decides_once(told):
        return USUAL, ()
    once = f"the plan decides once, so nothing is planned anew under way: {_more_often(told.planned.horizon)} to see "
    return tuple(policy for policy in USUAL if policy not in ROLLING), (f"{once}what that is worth",)


def _decides_once(told: Setting) -> bool:
    return told.grid.count < 2 or told.planned.horizon.decide == "horizon"


def _more_often(horizon: Horizon) -> str:
    """What to do for a plan that decides more often than once."""
    if horizon.decide == "horizon":
        return 'write horizon.decide = "quarter" or "month"'
    shorter = ', or write horizon.decide = "month"' if horizon.decide == "quarter" else ""
    return f"the horizon holds one {horizon.decide} only; plan more of them{shorter},"


def _require_decisions(told: Setting, policies: tuple[Policy, ...]) -> None:
    """Refuse policies that plan anew where nothing is left to decide."""
    rolling = [policy for policy in policies if policy in ROLLING]
    if rolling and _decides_once(told):
        raise InputError(
            f"scenario {told.planned.name!r}: the plan decides once, so policy {rolling[0]} has nothing to plan anew: "
            f"{_more_often(told.planned.horizon)} or ask for --policy hold,trim"
        )


def _unknowing(policies: tuple[Policy, ...]) -> tuple[str, ...]:
    """That policies which plan anew learn nothing of a year that is replayed."""
    rolling = [policy for policy in policies if policy in ROLLING and policy != "foresight"]
    if not rolling:
        return ()
    told = (
        f"nobody knows beforehand how a past year goes on, so with --set replay {', '.join(rolling)} "
        f"{'plans' if len(rolling) == 1 else 'plan'} by what the plan knew, and not by what came"
    )
    return (told,)


def _trial(curves: Curves, start: Start, plan: Plan, policies: tuple[Policy, ...], seed: int) -> Trial:
    """The plan and who plans it anew, where a policy does."""
    told = start.setting
    rolling = any(policy in ROLLING for policy in policies)
    return Trial(
        plan=Start(told, planner(told, plan.cells)) if rolling else start,
        reserve=held_back(curves, told.planned, told.planned.stress.reserve) if "reserve" in policies else None,
        policies=policies,
        band=told.planned.stress.band,
        seed=seed,
    )


def _with_money(scenario: Scenario, plan: Plan) -> Scenario:
    """The scenario with the money that its plan has found, where it asks for a target: that is what shocks meet."""
    if plan.found is None:
        return scenario
    return scenario.model_copy(update={"budget": Budget(total=plan.found.money)})


def _require_notice(told: Setting) -> None:
    """Refuse a period of notice for a channel that the curves do not have."""
    for name in told.planned.stress.notice:
        if name not in told.names:
            close = difflib.get_close_matches(name, told.names, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"scenario {told.planned.name!r}: stress.notice names {name!r}, which the curves do not have; {hint}"
                f"channels there: {', '.join(told.names)}"
            )


def _require_paid(told: Setting) -> None:
    """Refuse cuts that surely come and leave less than is committed, each alone and all together.

    Raises:
        InfeasibleError: With the money of each channel, the cut and the remedy.
    """
    cuts = [one for one in told.planned.shocks if one.kind == "budget" and not one.is_random]
    for some in [*[(one,) for one in cuts], *([tuple(cuts)] if len(cuts) > 1 else [])]:
        _require_left(told, some)


def _require_left(told: Setting, cuts: tuple[Shock, ...]) -> None:
    found = met(told.planned, cuts, 0, np.zeros(1, int))
    there = levels(told, found).money[0, : told.periods]
    cut = there < 1
    committed = (told.money * committed_share(told))[cut].sum(axis=0)
    planned = told.money[cut].sum(axis=1)
    left = float(there[cut] @ planned)
    if committed.sum() <= left * (1 + ROUNDING):
        return
    currency = told.curves.currency
    listed = ", ".join(
        f"{exact(money, currency)} to {plain(name)}"
        for name, money in zip(told.names, committed.tolist(), strict=True)
        if money > 0
    )
    names = " and ".join(repr(one.name) for one in cuts)
    raise InfeasibleError(
        f"scenario {told.planned.name!r}: {listed} is committed in the periods of {names}, which leaves "
        f"{exact(left, currency)} of {exact(float(planned.sum()), currency)} there; commit less, cut less, or begin "
        "the cut after what is committed"
    )


def _past(asked: Asked, which: ShockSet) -> Past | None:
    """The history that is replayed, where that is asked for.

    Raises:
        InputError: It is not named, or named where nothing is replayed, or is not that of the fit.
    """
    if which != "replay":
        if asked.history:
            raise InputError(f"--data goes with --set replay, and {which} is played; leave one out")
        return None
    if asked.history is None:
        raise InputError("--set replay needs the history that was fitted; name it by --data, and its --model")
    if not asked.fit.is_dir():
        raise InputError(f"{asked.fit}: is no fit folder, and --set replay reads what the fit explains; name one")
    model = load(asked.history.model, Model)
    return past_of(read_dataset(asked.history.data, model, asked.history.model), asked.fit)


def _unpriced(past: Past) -> tuple[str, ...]:
    said = without_prices(past)
    return (said,) if said else ()
