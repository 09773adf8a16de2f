"""Probes: what else finance asks of a stressed plan, each a question of its own to the same curves."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Shock
from engine.optimize.plan import Plan, optimize
from engine.optimize.selecting import rules_of, wholes_of
from engine.optimize.shocked import sized
from engine.stress.account import Account
from engine.stress.play import Paths, works
from engine.stress.readout import Bar, BreakEven, Committed, WorstPath
from engine.stress.sets import singles
from engine.stress.setting import Setting, Working, foreseen
from engine.stress.trial import Trial, played, shocked

CHANGING = ("price", "effectiveness", "demand", "competitor", "curves", "budget", "capacity")  # kinds with a factor
FARTHEST = 5.0  # times, and one part in so many: factors that are looked at for a break-even
HALVINGS = 12  # of the factors between two
HARSH_ABOVE = ("price", "competitor")  # kinds that harm with a factor above 1


def each_draw(trial: Trial) -> Paths:
    """One path for each draw."""
    every = np.arange(trial.setting.curves.draws)
    return Paths(every, every)


def bridge(
    names: list[str],
    planned: float,
    steps: Float[np.ndarray, "path step"],
    final: Float[np.ndarray, " path"],
) -> tuple[Bar, ...]:
    """From the plan to what a policy came to: bars that add up.

    Args:
        names: Of the shocks, in the order in which they came in, and of the policy.
        planned: Mean outcome of the plan.
        steps: Of every path (`engine.stress.bridge`).
        final: What the policy came to.
    """
    means = [*steps.mean(axis=0).tolist(), float(final.mean())]
    *shocks, policy = names
    told = ["draws that were played", *shocks, policy]
    bars = [Bar("the plan", planned, planned)]
    for name, before, after in zip(told, [planned, *means], means, strict=False):
        if name != "draws that were played" or abs(after - before) > 1e-9 * abs(planned):
            bars.append(Bar(name, after - before, after - before))
    return (*bars, Bar("comes to", means[-1], means[-1]))


def worst_paths(
    shocks: tuple[Shock, ...],
    steps: Mapping[int, Float[np.ndarray, " step"]] | Float[np.ndarray, "path step"],
    factors: Float[np.ndarray, "path shock"],
    account: tuple[str, Account, tuple[int, ...]],
    planned: float,
) -> tuple[WorstPath, ...]:
    """The worst paths of a policy, each with the shock that took most of it while the plan was held."""
    policy, found, numbers = account
    told, names = [], [shock.name for shock in shocks]
    for number in numbers:
        curves, *took = np.diff([planned, *steps[number].tolist()]).tolist()
        most = int(np.argmin(took))
        came = tuple(
            shock.name if shock.factor is None else f"{shock.name} {factor:.3g}"
            for shock, factor in zip(shocks, factors[number].tolist(), strict=True)
            if np.isfinite(factor)
        )
        outcome = float(found.outcome[number].sum())
        told.append(WorstPath(number, outcome, policy, curves, names[most] if took[most] < 0 else "", took[most], came))
    return tuple(told)


def held_outcomes(trial: Trial, shocks: tuple[Shock, ...], paths: Paths, work: tuple[Working, ...]) -> Account:
    """The account of the plan held under some shocks."""
    alone = Trial(trial.plan, None, ("hold",), trial.band, trial.seed)
    return played(alone, shocked(alone, shocks, paths), paths, work)["hold"]


def break_evens(trial: Trial) -> tuple[BreakEven, ...]:
    """How far each shock that the plan does not reckon with may go, alone, until the plan held fails.

    Each comes surely and, where chance decides when, in the middle of its dates, as `sets.singles` has it: then there
    is no profit in the mean, or the target is missed.

    Raises:
        InputError: As for `sets.singles`.
    """
    paths = each_draw(trial)
    work, found = works(trial.setting, paths), []
    target = trial.setting.planned.stress.target
    for case in singles(trial.setting):
        (shock,) = case.shocks
        if shock.kind not in CHANGING:
            continue

        def profit(factor: float, shock: Shock = shock) -> float:
            return float(held_outcomes(trial, (sized(shock, factor),), paths, work).profit.sum(axis=1).mean())

        def spare(factor: float, shock: Shock = shock) -> float:
            outcome = held_outcomes(trial, (sized(shock, factor),), paths, work).outcome
            return float(outcome.sum(axis=1).mean()) - (target or 0.0)

        looked = {"profit": profit} | ({"target": spare} if target else {})
        for what, left in looked.items():
            if left(1.0) > 0:
                found.append(BreakEven(case.name, shock.kind, what, _root(left, shock.kind)))
    return tuple(found)


def _root(left: Callable[[float], float], kind: str) -> float | None:
    """The factor up to which something is left; None where there is at every factor that is looked at."""
    fine, short = 1.0, FARTHEST if kind in HARSH_ABOVE else 1 / FARTHEST
    if left(short) >= 0:
        return None
    for _ in range(HALVINGS):
        middle = float(np.sqrt(fine * short))
        fine, short = (middle, short) if left(middle) >= 0 else (fine, middle)
    return fine


def committed_costs(setting: Setting, plan: Plan) -> tuple[Committed, ...]:
    """What each commitment costs: what the best plan without it brings beyond the plan.

    One that is written for every channel is told channel by channel.
    """
    asked, found = foreseen(setting.planned), []
    alone = [(one.name, rules_of(one, asked)) for one in setting.curves.channels]
    for name, rules in (*alone, *((name, rules) for name, _, rules in wholes_of(setting.curves, asked))):
        if not sum(rules.committed):
            continue
        free = {**asked.channels, name: rules.model_copy(update={"committed": ()})}
        other = optimize(setting.curves, asked.model_copy(update={"channels": free}), priced=False)
        cost = max(0.0, other.net - plan.net)
        found.append(Committed(name, float(sum(rules.committed)), cost if cost > plan.gap * abs(plan.net) else 0.0))
    return tuple(found)
