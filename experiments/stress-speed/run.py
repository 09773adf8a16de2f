"""How long thousands of paths take, and how close plans made on all of them at once are to the exact planner's.

python experiments/stress-speed/run.py           everything, into result.json
python experiments/stress-speed/run.py pairs     only the pairs of path and quarter
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from pairs import compared_pairs
from worlds import curves, scenario

from engine.optimize.plan import optimize
from engine.response.curves import Curves
from engine.stress.rolling import planner
from engine.stress.run import Hands, Work, run
from engine.stress.sets import Case
from engine.stress.setting import foreseen, setting
from engine.stress.trial import Start, Trial

HERE, CHANNELS, DRAWS, SEED, RAMP = Path(__file__).parent, 12, 500, 1, 0.25


def trial(policies: tuple, known: Curves, ramp: float | None = RAMP) -> Trial:
    """A plan and its policies."""
    asked = scenario(known, ramp)
    plan = optimize(known, foreseen(asked), priced=False)
    told = setting(known, asked, plan)
    return Trial(Start(told, planner(told, plan.cells)), None, policies, 0.05, SEED)


def seconds(played: Trial, paths: int, workers: int) -> float:
    """From the plan to all that was played: workers started, parts written and gathered."""
    case = Case("all", "montecarlo", tuple(played.setting.planned.shocks))
    with tempfile.TemporaryDirectory() as place:
        begin = time.perf_counter()
        run(Work(played, (case,), paths), Path(place), Hands(workers))
        return time.perf_counter() - begin


def speed() -> dict:
    """Seconds on the clock, medians of three."""
    known = curves(CHANNELS, DRAWS, SEED)
    anew, hold = trial(("replan",), known), trial(("hold",), known)
    found: dict = {"cores": os.cpu_count(), "load before": os.getloadavg()[0]}
    for name, played, paths in (
        ("replan 2,500", anew, 2500),
        ("replan 5,000", anew, 5000),
        ("replan 10,000", anew, 10_000),
        ("hold 10,000", hold, 10_000),
        ("hold 100,000", hold, 100_000),
    ):
        found[name] = round(median(seconds(played, paths, 2) for _ in range(3)), 2)
        print(name, found[name], flush=True)
    found["replan 2,500, one worker"] = round(seconds(anew, 2500, 1), 2)
    return found


def main(what: str = "all") -> None:
    """Measure and write."""
    found = {}
    if what in ("all", "speed"):
        found["seconds"] = speed()
    if what in ("all", "pairs"):
        known = curves(CHANNELS, DRAWS, SEED)
        for name, ramp in (("ramp of a quarter", RAMP), ("no ramp", None)):
            found[name] = compared_pairs(
                trial(("replan",), known, ramp), 200 if ramp else 40, np.random.default_rng(SEED)
            )
            print(name, json.dumps(found[name]), flush=True)
    if what == "all":
        (HERE / "result.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
