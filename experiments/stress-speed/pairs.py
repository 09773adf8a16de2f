"""Plans made on all paths at once beside the exact planner's, asked the same question one by one."""

import itertools
import time
from datetime import date

import numpy as np

from engine.config.scenario import Budget, Scenario
from engine.config.shocks import Shock
from engine.errors import EngineError
from engine.optimize.closeness import CERTIFIED
from engine.optimize.over_time.decisions import Spent
from engine.optimize.over_time.several import mean_value
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, problem_of
from engine.periods import step
from engine.stress import policies
from engine.stress.play import paths_of, works
from engine.stress.rolling import Known, Planner
from engine.stress.setting import Setting
from engine.stress.trial import Trial, scene_of, shocked, spent

EXACT = 1e-12  # of a factor: what is closer to 1 changes nothing
KEPT = 1e-4  # of all money: by how much a rule may be missed


def compared_pairs(trial: Trial, count: int, luck: np.random.Generator) -> dict:
    """How much worse than the exact planner's the plans of some (path, decision) pairs are, by its own exact means."""
    asked = _recorded(trial)
    losses, gaps, unkept, refused, seconds = [], [], 0, 0, 0.0
    for _ in range(count):
        at, known, chosen, money = asked[luck.integers(len(asked))]
        path = int(luck.integers(len(known.total)))
        question = _question(trial.setting, known, path)
        past = Spent(money[path, : trial.setting.grid.edges[at]])
        begin = time.perf_counter()
        try:
            exact = optimize(trial.setting.curves, question, priced=False, spent=past)
        except EngineError:
            refused += 1
            continue
        seconds += time.perf_counter() - begin
        problem = problem_of(trial.setting.curves, question, past)
        mine = np.concatenate([known.spent[path], chosen[path]], axis=1).ravel()
        losses.append((exact.net - mean_value(problem, mine)) / abs(exact.bound))
        gaps.append(exact.gap if exact.proven else np.nan)
        unkept += bool(broken(problem, mine, KEPT))
    lost, gap = np.array(losses), np.array(gaps)
    return {
        "pairs": count,
        "refused by the exact planner": refused,
        "loss median, 95 %, most": [float(np.quantile(lost, at)) for at in (0.5, 0.95, 1.0)],
        "within .1 %": int((lost <= CERTIFIED).sum()),
        "better than the exact planner's": int((lost < 0).sum()),
        "proven by the exact planner within .1 %": int((gap <= CERTIFIED).sum()),
        "rules not kept": unkept,
        "seconds of the exact planner each": round(seconds / max(len(lost), 1), 3),
    }


Recorded = tuple[int, Known, np.ndarray, np.ndarray]


def _recorded(trial: Trial) -> list[Recorded]:
    """What was known, what was chosen and what had been spent, at each decision of one piece of paths."""
    found: list[tuple[int, Known, np.ndarray]] = []
    plain = policies.replanned

    def watched(plan: Planner, at: int, known: Known) -> np.ndarray:
        chosen = plain(plan, at, known)
        found.append((at, known, chosen))
        return chosen

    setting = trial.setting
    piece = paths_of(setting.curves.draws, setting.curves.draws, setting.curves.draws)[0]
    scene = scene_of(setting, shocked(trial, setting.planned.shocks, piece), piece, works(setting, piece))
    policies.replanned = watched
    try:
        money = spent(trial, "replan", scene, trial.plan.planner).money
    finally:
        policies.replanned = plain
    return [(at, known, chosen, money) for at, known, chosen in found]


def _question(setting: Setting, known: Known, path: int) -> Scenario:
    """The scenario in which the world is as a path knows it, decision by decision."""
    days = [setting.days[edge] for edge in setting.grid.edges[:-1]]
    end = step(setting.days[0], setting.periods, setting.curves.period)
    spans = [*itertools.pairwise([*days, end]), *([(end, None)] if setting.tail else [])]
    opened = np.ones(known.spent[path].shape) if known.opened is None else known.opened[path]
    money, bought = known.spent[path], known.bought[path]
    past = np.where((money > 0) & (bought > 0), money / np.where(bought > 0, bought, 1.0), 1.0)
    price = np.concatenate([past, 1 / known.had[path]], axis=1)
    effect = np.concatenate([np.ones(past.shape), known.effect[path]], axis=1)
    is_open = np.concatenate([opened, known.open[path]], axis=1)
    shocks = []
    for channel, name in enumerate(setting.names):
        for kind, factors in (("price", price[channel]), ("effectiveness", effect[channel])):
            for factor, span in zip(factors.tolist(), spans, strict=False):
                shocks += [_shock(kind, name, span, factor)] if abs(factor - 1) > EXACT else []
        closed = [span for opening, span in zip(is_open[channel], spans, strict=False) if opening == 0]
        shocks += [_shock("outage", name, span, None) for span in closed]
    total = Budget(total=float(known.total[path]))
    return setting.scenario.model_copy(update={"budget": total, "shocks": tuple(shocks)})


def _shock(kind: str, channel: str, span: tuple[date, date | None], factor: float | None) -> Shock:
    fields = {"name": f"{kind} of {channel} from {span[0]}", "kind": kind, "channels": (channel,), "factor": factor}
    return Shock.model_validate(fields | {"from": span[0], "until": span[1]})
