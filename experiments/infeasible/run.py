"""Fifty impossible questions, explained and checked by another formulation; write result.json beside this file."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from instances import MAKERS, OVER_QUARTERS, SIZES, instance
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from engine.optimize.conflict.conflict import conflict, explanation
from engine.optimize.conflict.elastic import Program
from engine.optimize.conflict.repair import alone as ways_out
from engine.optimize.conflict.repair import cost, eased, together
from engine.optimize.rules import Problem, Rule

HERE = Path(__file__).parent
REPEATS = 5  # of each measurement, of which the least counts: other work makes it longer only
SCALE = 1e3  # what the largest limit is to SciPy
MOST = 20.0  # times that: what one channel spends at the most
LESS = 0.999  # of a repair: so much is too little
NEAR = 2e-3  # relative: what two costs of one joint repair may differ; each is exact to half of it


def least_cost(rules: tuple[Rule, ...], price: np.ndarray) -> float | None:
    """The least cost of giving way by SciPy's mixed-integer program, one row a side; None where there is no way.

    Where the budget, the first rule, may give way, a share of it is a share of what is spent.
    """
    money = max(max(rule.low, rule.flight, -np.inf) for rule in rules)
    money = (money if money > 0 else max(abs(rule.high) for rule in rules if np.isfinite(rule.high))) / SCALE
    flying = [at for at, rule in enumerate(rules) if rule.flight]
    cells, count = len(rules[0].weights), len(rules)
    give, on = np.eye(count), np.eye(len(flying))
    none, grounded = np.zeros(count), np.zeros(len(flying))
    rows, low, high = [], [], []
    for at, rule in enumerate(rules):
        weights, least, most = _row(rule, rules[0], bool(price[0]))
        if np.isfinite(least):
            rows.append(np.concatenate([weights, give[at], grounded]))
            low, high = [*low, least / money], [*high, np.inf]
        if np.isfinite(most):
            rows.append(np.concatenate([weights, -give[at], grounded]))
            low, high = [*low, -np.inf], [*high, most / money]
    for flight, at in enumerate(flying):
        rule = rules[at]
        rows.append(np.concatenate([rule.weights, give[at], -rule.flight / money * on[flight]]))
        rows.append(np.concatenate([rule.weights, none, -MOST * SCALE * on[flight]]))
        low, high = [*low, 0.0, -np.inf], [*high, np.inf, 0.0]
    upper = np.concatenate([np.full(cells, np.inf), np.where(price > 0, np.inf, 0.0), np.ones(len(flying))])
    found = milp(
        np.concatenate([np.zeros(cells), price, grounded]),
        constraints=LinearConstraint(csr_array(np.array(rows)), low, high),
        bounds=Bounds(np.zeros(len(upper)), upper),
        integrality=np.concatenate([np.zeros(cells + count), np.ones(len(flying))]),
        options={"mip_rel_gap": NEAR / 2},
    )
    return float(found.fun) * money if found.status == 0 else None


def _row(rule: Rule, budget: Rule, is_moving: bool) -> tuple[np.ndarray, float, float]:
    """Weights and limits of a rule; of a share of the total, where that may give way, as a share of what is spent."""
    if not (rule.share and is_moving):
        return rule.weights, rule.low, rule.high
    ends = (0.0, np.inf) if np.isfinite(rule.low) else (-np.inf, 0.0)
    return rule.weights - rule.share * budget.weights, *ends


def can_be_kept(rules: tuple[Rule, ...]) -> bool:
    """By SciPy, or by counting where all rules are a budget, caps and minimum flights of single channels."""
    if any(rule.flight for rule in rules) and not any(rule.low > 0 for rule in rules[1:]):
        counted = by_counting(rules)
        if counted is not None:
            return counted
    return least_cost(rules, np.zeros(len(rules))) is not None


def by_counting(rules: tuple[Rule, ...]) -> bool | None:
    """Whether some channels, each between its flight and its cap, add up to the budget; None where it cannot tell.

    Exact where at most one channel differs in its cap: with it or without it, the smallest flights are taken.
    """
    budget = [rule for rule in rules if rule.name == "budget"]
    if any(rule.channel is None for rule in rules if rule not in budget):
        return None
    cells = len(rules[0].weights)
    flight, cap = np.zeros(cells), np.full(cells, np.inf)
    for rule in rules:
        if rule.channel is not None:
            flight[rule.channel], cap[rule.channel] = (
                max(flight[rule.channel], rule.flight),
                min(cap[rule.channel], rule.high),
            )
    low, high = (budget[0].low, budget[0].high) if budget else (0.0, np.inf)
    usual = np.median(cap)
    odd = np.flatnonzero(cap != usual)
    if len(odd) > 1:
        return None
    slack = 1e-9 * high if np.isfinite(high) else 0.0
    order = [at for at in np.argsort(flight) if at not in odd]
    for taken in ([], odd.tolist()):
        for number in range(len(order) + 1):
            some = [*taken, *order[:number]]
            if flight[some].sum() <= high + slack and cap[some].sum() >= low - slack:
                return True
    return False


def typed(problem: Problem, told: str) -> list[tuple[Rule, ...]]:
    """The rules after each way out that a message names, with the limit as it is printed there; joint ones as one."""
    number = r"([\d.,]*\d)"
    found = re.findall(rf"(?:raise|lower) ((?:(?! by USD ).)*) by USD {number} to USD {number}(?: \({number} %)?", told)
    sets, joint = [], "Cheapest together" in told
    now = problem.rules
    for name, _, limit, share in found:
        at = [rule.name for rule in now].index(name)
        new = float(limit.replace(",", ""))
        rule, total = now[at], now[0].high
        if rule.share:
            new = float(share) / 100 * total
        now = tuple(
            _with(one, new, float(share) / 100 if rule.share else 0.0) if index == at else one
            for index, one in enumerate(now)
        )
        if at == 0:
            now = tuple(_of_total(one, new) for one in now)
        if not joint:
            sets.append(now)
            now = problem.rules
    return [now] if joint and found else sets


def _with(rule: Rule, limit: float, share: float) -> Rule:
    if rule.flight:
        return Rule(rule.name, rule.weights, flight=limit)
    if rule.low == rule.high:
        return Rule(rule.name, rule.weights, limit, limit)
    low, high = (-np.inf, limit) if np.isfinite(rule.high) else (limit, np.inf)
    return Rule(rule.name, rule.weights, low, high, share=share)


def _of_total(rule: Rule, total: float) -> Rule:
    if not rule.share:
        return rule
    return _with(rule, rule.share * total, rule.share)


def checked(problem: Problem, told: str) -> dict[str, object]:
    """One explanation against SciPy: conflict, minimality, each repair and a little less of it, joint cost, limits."""
    rules, found = problem.rules, conflict(problem)
    is_counted = not any(rule.low > 0 for rule in rules[1:]) and any(rule.flight for rule in rules)
    is_counted &= all(rule.channel is not None for rule in rules[1:])
    alone = ways_out(Program(rules), [at for at, rule in enumerate(rules) if any(rule is one for one in found)], 5)
    shown = alone
    wrong = []
    if can_be_kept(found):
        wrong.append("no conflict")
    wrong += [f"superfluous: {one.name}" for one in found if not can_be_kept(tuple(r for r in found if r is not one))]
    for item in shown:
        for times, possible in ((1.0, True), (LESS, False)):
            limit = item.limit + (times - 1) * item.signed
            after = eased(rules, [replace(item, amount=item.amount * times, limit=limit)])
            if can_be_kept(after) != possible:
                wrong.append(f"{item.rule.name}: {times} of its repair")
    joint = together(Program(rules))
    if not is_counted:
        price = np.array([cost(rule) for rule in rules])
        paid, least = sum(cost(item.rule) * item.amount for item in joint), least_cost(rules, price)
        if least is None or abs(paid - least) > NEAR * paid:
            wrong.append(f"joint repair costs {paid} where {least} is needed")
    if not can_be_kept(eased(rules, joint)):
        wrong.append("the joint repair is none")
    wrong += ["limits as typed are too tight" for after in typed(problem, told) if not can_be_kept(after)]
    ways = "together" if not alone else "alone"
    return {"rules": len(rules), "in_conflict": len(found), "ways": ways, "wrong": wrong}


def measured(kind: str, seed: int) -> dict[str, object]:
    """One question: seconds of its explanation, begun from its rules, the least of five, and what is wrong with it."""
    problem = instance(kind, seed)
    wall, cpu = [], []
    for _ in range(REPEATS):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        told = explanation(problem, "USD")
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
    known = {"channels": SIZES[seed], "seconds": round(min(wall), 4), "cpu_seconds": round(min(cpu), 4)}
    return known | checked(problem, told) | {"told": told[:300]}


def import_seconds(module: str) -> dict[str, float]:
    """What a process costs that imports one module."""
    return _cost([sys.executable, "-c", f"import {module}"], 0)


def command_seconds(count: int) -> dict[str, float]:
    """What `peso optimize` costs on floors above the budget, from start to exit code 4."""
    channel = '{"name": "c%d", "kind": "paid", "adstock": {"family": "geometric", "retain": [0.5]}, '
    channel += '"saturation": {"family": "hill", "ceiling": [9000], "halfway": [900], "slope": [1.5]}, '
    channel += '"history": {"mean": 100, "max": 500, "last": [100]}}'
    head = '{"schema": "peso.curves/1", "currency": "USD", "outcome": "revenue", "period": "week", "draws": 1, '
    with tempfile.TemporaryDirectory() as folder:
        curves, question = Path(folder) / "curves.json", Path(folder) / "question.toml"
        curves.write_text(head + '"channels": [' + ", ".join(channel % at for at in range(count)) + "]}")
        question.write_text(
            'name = "q"\nhorizon = { start = 2027-01-04, periods = 52 }\nbudget = { total = 1000 }\n'
            f"[every_channel]\nfloor = {1300 / count}\ncap = 900\n"
        )
        command = [str(Path(sys.executable).with_name("peso")), "optimize", str(curves), str(question)]
        return _cost(command, 4)


def _cost(command: list[str], code: int) -> dict[str, float]:
    """Wall and CPU seconds of a process, the least of five."""
    wall, cpu = [], []
    for _ in range(REPEATS):
        begin, before = time.perf_counter(), os.times()
        done = subprocess.run(command, capture_output=True)
        wall.append(time.perf_counter() - begin)
        after = os.times()
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if done.returncode != code:
            raise SystemExit(f"{command}: exit code {done.returncode}, {done.stderr.decode()}")
    return {"wall": round(min(wall), 3), "cpu": round(min(cpu), 3)}


def main() -> None:
    """Measure and write."""
    explanation(instance("floors above the budget", 0), "USD")  # all is imported, nothing else is kept
    questions = {kind: [measured(kind, seed) for seed in range(len(SIZES))] for kind in [*MAKERS, OVER_QUARTERS]}
    for kind, told in questions.items():
        print(kind, [(one["channels"], one["rules"], one["in_conflict"], one["seconds"]) for one in told], flush=True)
        for one in told:
            print("   ", one["wrong"] or "all checks hold", "|", one["ways"], flush=True)
    every = [one for told in questions.values() for one in told]
    result = {
        "python": platform.python_version(),
        "questions": len(every),
        "wrong": sum(bool(one["wrong"]) for one in every),
        "seconds_median": statistics.median(one["seconds"] for one in every),
        "seconds_most": max(one["seconds"] for one in every),
        "cpu_seconds_most": max(one["cpu_seconds"] for one in every),
        "import_seconds": {
            module: import_seconds(module) for module in ("engine.optimize.plan", "engine.optimize.conflict.conflict")
        },
        "command_seconds": {str(count): command_seconds(count) for count in (12, 100)},
        "by_kind": questions,
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print({key: value for key, value in result.items() if key != "by_kind"})


if __name__ == "__main__":
    main()
