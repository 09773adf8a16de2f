"""Plans for the mean of the worst tenth of joint draws: gap, time, frontier, and what unshared luck hides."""

import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
from instances import DRAWS, question

from engine.config.scenario import Risk
from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import by_draw
from engine.optimize.risk.at_risk import AtRisk, solve_at_risk
from engine.optimize.risk.measures import measure_of
from engine.optimize.rules import Problem, problem_of
from engine.optimize.solve import solve

HERE = Path(__file__).parent
COUNTS = {12: 12, 30: 8, 100: 4}
LEVEL = 0.1
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
TAIL = measure_of(Risk(measure="cvar", level=LEVEL), np.full(DRAWS, 1 / DRAWS))


def tail(problem: Problem, spend: np.ndarray) -> float:
    """Mean of the worst tenth of what a plan earns over the draws of a problem."""
    return TAIL.value(by_draw(problem, spend)[1])


def planned(problem: Problem, **asked: float) -> AtRisk:
    found = solve_at_risk(problem, Risk(measure="cvar", level=LEVEL, **asked))
    if found is None:
        raise SystemExit("a question without a plan")
    return found


def proofs(family: str, channels: int, count: int) -> dict[str, object]:
    """Gaps, odds looked at and seconds over some questions."""
    gaps, rounds, wall, busy = [], [], [], []
    for seed in range(count):
        problem = problem_of(*question(family, channels, seed))
        begin, work = time.perf_counter(), time.process_time()
        found = planned(problem)
        wall.append(time.perf_counter() - begin)
        busy.append(time.process_time() - work)
        gaps.append(found.gap)
        rounds.append(found.rounds + 1)
    return {
        "of": count,
        "certified": int(np.sum(np.array(gaps) <= CERTIFIED)),
        "median_gap_percent": round(100 * statistics.median(gaps), 4),
        "worst_gap_percent": round(100 * max(gaps), 4),
        "odds_median_and_most": [statistics.median(rounds), max(rounds)],
        "median_wall_seconds": round(statistics.median(wall), 3),
        "median_processor_seconds": round(statistics.median(busy), 3),
        "worst_processor_seconds": round(max(busy), 3),
    }


def frontier(family: str, channels: int, seed: int) -> list[dict[str, float]]:
    """Mean and tail of plans by the weight of the tail, in percent of the plan for the mean."""
    problem, points = problem_of(*question(family, channels, seed)), []
    for weight in WEIGHTS:
        found = planned(problem, weight=weight)
        values = by_draw(problem, found.spend)[1]
        points.append((weight, float(values.mean()), TAIL.value(values), found.gap))
    _, mean, least, _ = points[0]
    return [
        {
            "weight": weight,
            "mean_percent": round(100 * average / mean, 3),
            "tail_percent": round(100 * worst / least, 3),
            "gap_percent": round(100 * gap, 4),
        }
        for weight, average, worst, gap in points
    ]


def hidden(family: str, channels: int, count: int) -> dict[str, object]:
    """Plans made on draws that were shuffled apart: the tail they promise and have, of the best that can be had."""
    promised, had, averse = [], [], []
    for seed in range(count):
        joint = problem_of(*question(family, channels, seed))
        apart = problem_of(*question(family, channels, seed, shuffled=True))
        best, blind, plain = planned(joint), planned(apart), solve(joint)
        if plain is None:
            raise SystemExit("a question without a plan")
        promised.append(100 * blind.value / best.value)
        had.append(100 * tail(joint, blind.spend) / best.value)
        averse.append(100 * tail(joint, plain.spend) / best.value)
    return {
        "of": count,
        "promised_percent_median": round(statistics.median(promised), 1),
        "had_percent_median_and_worst": [round(statistics.median(had), 2), round(min(had), 2)],
        "plan_for_the_mean_percent_median_and_worst": [round(statistics.median(averse), 2), round(min(averse), 2)],
    }


def main() -> None:
    """Measure and write."""
    planned(problem_of(*question("mixed", 12, 99)))  # solvers load once
    result: dict[str, object] = {
        "python": platform.python_version(),
        "draws": DRAWS,
        "level": LEVEL,
        "load_at_begin_and_end": [round(os.getloadavg()[0], 1)],
        "processors": os.cpu_count(),
    }
    for part, rows in {
        "proofs": {
            f"{n} {kind}": proofs(kind, n, count) for n, count in COUNTS.items() for kind in ("concave", "mixed")
        },
        "frontier": {f"12 {kind}": frontier(kind, 12, 1) for kind in ("concave", "mixed")},
        "hidden": {f"{n} {kind}": hidden(kind, n, 6) for n in (12, 30) for kind in ("concave", "mixed")},
    }.items():
        result[part] = rows
        print(part, json.dumps(rows, indent=1), flush=True)
    result["load_at_begin_and_end"] += [round(os.getloadavg()[0], 1)]
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
