"""The straight line as one page: a market, its history, a fit, a plan, what-ifs, and the truth as the judge."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample, sample_folder
from engine.config.scenario import Scenario
from engine.judge import Rules, Verdict, judge
from engine.optimize.compare import Answer, compare
from engine.optimize.plan import Plan, optimize
from engine.optimize.plan_file import plan_document
from engine.optimize.rules import problem_of
from engine.report.answer import comparison_text, plan_text
from engine.study.imagine import imagine, write_world
from engine.study.learn import as_text, document, learn, write_fit
from engine.words import money, percent

MARKET, WEEKS, ASKED = "online_retail", 156, "best_split"
ALSO_ASKED = ("flat_repeat", "cut_15_percent", "earned_tenth", "price_inflation")


@dataclass(frozen=True)
class Demo:
    """Everything the demonstration found out."""

    market: str
    fit_text: str
    fit_document: dict[str, Any]
    plan: Plan
    answers: list[Answer]
    verdict: Verdict
    seconds: float


def demonstrate(folder: Path, seed: int, tell: Callable[[str], None]) -> Demo:
    """Walk the whole line on the embedded market; every file a user would have lies in `folder` afterwards.

    Args:
        folder: Where world/ and fit/ are written.
        seed: Seed of the market's history and of the calibration.
        tell: Called with what is being done.
    """
    begin = time.perf_counter()
    tell("simulating three years of a market")
    market = load(sample("configs", Path(MARKET)), Market)
    world = imagine(market, WEEKS, seed)
    write_world(folder / "world", world)
    tell("calibrating response curves from what an analyst would see")
    fit = learn(folder / "world" / "panel.csv", folder / "world" / "model.toml", "fast", seed)
    write_fit(folder / "fit", fit)
    tell("planning")
    asked = {name: load(sample_folder("scenarios") / f"{name}.toml", Scenario) for name in (ASKED, *ALSO_ASKED)}
    plan = optimize(fit.curves, asked[ASKED])
    answers = compare(fit.curves, [asked[name] for name in ALSO_ASKED])
    tell("judging the plan in the true world")
    problem = problem_of(fit.curves, asked[ASKED])
    rules = Rules(problem.budget.high, problem.lower, problem.upper)
    verdict = judge(world.world, world.spend, np.array(plan.chosen.spend), plan.periods, rules)
    return Demo(market.name, as_text(fit), document(fit), plan, answers, verdict, time.perf_counter() - begin)


def demo_text(demo: Demo) -> str:
    """The demonstration for the terminal, a heading for each step of the line."""
    parts = (
        ("What the history says", demo.fit_text),
        ("The plan", plan_text(demo.plan)),
        ("What if", comparison_text(demo.answers)),
        ("Judged in the true world, which the plan never saw", verdict_text(demo)),
    )
    return "\n\n".join(f"{title}\n{'=' * len(title)}\n{body}" for title, body in parts)


def verdict_text(demo: Demo) -> str:
    """What the plan really earned, beside the oracle and beside its own promise."""
    verdict, currency = demo.verdict, demo.plan.currency
    real = verdict.plan_value - verdict.baseline_value
    best = verdict.oracle_value - verdict.baseline_value
    promise = demo.plan.gain
    kept = "within" if promise.p05 <= real <= promise.p95 else "outside"
    return (
        f"{demo.market}: the plan earns {money(real, currency, signed=True)} revenue over the history's split of the "
        f"same money; the best plan that knows the truth earns {money(best, currency, signed=True)}.\n"
        f"Share of that gain: {percent(verdict.share_of_oracle_gain)}. "
        f"Regret: {100 * verdict.regret:.2f} % of {money(verdict.oracle_value, currency)} total revenue.\n"
        f"Promised: {money(promise.mean, currency, signed=True)} "
        f"(5-95 %: {money(promise.p05, currency, signed=True)} .. {money(promise.p95, currency, signed=True)}); "
        f"the truth lies {kept} that range. {demo.seconds:.0f} s in all."
    )


def demo_document(demo: Demo) -> dict[str, Any]:
    """The demonstration as one JSON document."""
    verdict = {**asdict(demo.verdict), "oracle_spend": demo.verdict.oracle_spend.tolist()}
    return {
        "schema": "peso.demo/1",
        "market": demo.market,
        "fit": demo.fit_document,
        "plan": plan_document(demo.plan),
        "what_if": [
            {"scenario": answer.name, "change": None if answer.change is None else asdict(answer.change)}
            for answer in demo.answers
        ],
        "verdict": verdict,
        "seconds": demo.seconds,
    }
