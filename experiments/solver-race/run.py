"""Race: ours and others' ways on the same random questions, and what all of them say together.

run.py race RECORD [PART OF]    answer what RECORD does not hold yet, of every OF-th question; a line an answer
run.py result RECORD...         write result.json beside this file from one or more records
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import instances
import numpy as np
from instances import PERIODS, SLOPES, Instance, as_question, instance
from peers import greedy, mixed_integer, oracle, slsqp, slsqp_often

from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import optimize
from engine.response.curves_file import write_curves

HERE = Path(__file__).parent
LOSS = 0.01
COUNTS = {  # instances of each family, with and without groups, by channels
    "ours": {12: 200, 30: 200, 100: 200},
    "slsqp": {12: 60, 30: 15, 100: 2},
    "slsqp, 20 starts": {12: 10, 30: 2, 100: 0},
    "greedy grid": {12: 60, 30: 20, 100: 4},
    "mixed-integer": {12: 5, 30: 3, 100: 1},
    "oracle": {12: 60, 30: 20, 100: 4},
}
Question = tuple[int, str, bool, int]  # channels, family, grouped, seed
Answers = dict[Question, dict[str, dict]]


def ours(asked: Instance) -> np.ndarray:
    """The planner's spend; its bound is checked here as well."""
    plan = optimize(*as_question(asked), priced=False)
    if plan.gap > CERTIFIED or plan.bound < asked.value(np.array(plan.chosen.spend)) * (1 - 1e-9):
        raise SystemExit(f"a plan without its proof: gap {plan.gap}, bound {plan.bound}")
    return np.array(plan.chosen.spend)


WAYS: dict[str, Callable[[Instance], np.ndarray | None]] = {
    "ours": ours,
    "slsqp": slsqp,
    "slsqp, 20 starts": slsqp_often,
    "greedy grid": greedy,
    "mixed-integer": mixed_integer,
    "oracle": oracle,
}


def asked_of(question: Question) -> Instance:
    """The instance of a question."""
    channels, family, grouped, seed = question
    return instance(family, channels, 10_000 * channels + seed, grouped)


def jobs() -> Iterator[tuple[str, Question]]:
    """All that is to be answered, each way as far as the others of its count, ours first."""
    every = [
        ((seed + 1) / count * (0.5 if way == "ours" else 1.0), way, (channels, family, grouped, seed))
        for way, counts in COUNTS.items()
        for channels, count in counts.items()
        for family in SLOPES
        for grouped in (False, True)
        for seed in range(count)
    ]
    yield from ((way, question) for _, way, question in sorted(every, key=lambda job: job[0]))


def race(record: Path, part: int, of: int) -> None:
    """Answer what the record does not hold yet."""
    held = {(line["way"], tuple(line["question"])) for line in _lines(record)} if record.exists() else set()
    with record.open("a") as out:
        for way, question in jobs():
            if (question[3] + question[0]) % of != part or (way, question) in held:
                continue
            asked = asked_of(question)
            begin = time.process_time()
            spend = WAYS[way](asked)
            seconds = time.process_time() - begin
            kept = spend is not None and asked.is_kept(spend)
            value = asked.value(spend) if kept and spend is not None else None
            line = {"way": way, "question": question, "value": value, "seconds": seconds}
            line["fault"] = "" if kept else "no answer" if spend is None else "infeasible"
            out.write(json.dumps(line) + "\n")
            out.flush()


def _lines(record: Path) -> list[dict]:
    return [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]


def standings(answers: Answers) -> dict[str, dict]:
    """Each way against the best that any way found, over the questions that it answered."""
    shares, seconds, faults = defaultdict(list), defaultdict(list), defaultdict(list)
    for by_way in answers.values():
        best = max(line["value"] for line in by_way.values() if line["value"] is not None)
        for way, line in by_way.items():
            faults[way].append(line["fault"])
            seconds[way].append(line["seconds"])
            if line["value"] is not None:
                shares[way].append(line["value"] / best)
    return {
        way: {
            "of": len(seconds[way]),
            "mean_percent_of_best": round(100 * float(np.mean(shares[way])), 3) if shares[way] else None,
            "worst_percent_of_best": round(100 * min(shares[way]), 3) if shares[way] else None,
            "lose_more_than_1_percent": sum(share < 1 - LOSS for share in shares[way]),
            "infeasible": faults[way].count("infeasible"),
            "no_answer": faults[way].count("no answer"),
            "median_seconds": round(statistics.median(seconds[way]), 4),
        }
        for way in WAYS
        if seconds[way]
    }


def end_to_end(channels: int, draws: int, count: int) -> dict[str, float]:
    """Median wall and processor seconds of `optimize` without prices, over all families."""
    before, instances.DRAWS = instances.DRAWS, draws
    wall, processor = [], []
    for family in SLOPES:
        for seed in range(count):
            question = as_question(instance(family, channels, 77 * channels + seed))
            begin, begin_processor = time.perf_counter(), time.process_time()
            optimize(*question, priced=False)
            wall.append(time.perf_counter() - begin)
            processor.append(time.process_time() - begin_processor)
    instances.DRAWS = before
    return {
        "median_wall": round(statistics.median(wall), 4),
        "longest_wall": round(max(wall), 4),
        "median_processor": round(statistics.median(processor), 4),
    }


def command_seconds(repeats: int = 9) -> float:
    """Median wall time of `peso optimize` at 12 mixed channels, from start to exit."""
    asked = instance("mixed", 12, 1)
    with tempfile.TemporaryDirectory() as folder:
        curves, question = Path(folder) / "curves.json", Path(folder) / "question.toml"
        write_curves(curves, as_question(asked)[0])
        head = f'name = "q"\nhorizon = {{ start = 2027-01-04, periods = {PERIODS} }}\n'
        question.write_text(head + f"budget = {{ total = {asked.budget!r} }}\n")
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            command = [str(Path(sys.executable).with_name("peso")), "optimize", str(curves), str(question)]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - begin)
    return round(statistics.median(seconds), 3)


def units() -> dict[str, float]:
    """The largest difference of shares when a budget is typed as 12, 12e6 and 12e11, by family."""
    apart = {}
    for family in SLOPES:
        asked, shares = instance(family, 12, 5), []
        for total in (12.0, 12e6, 12e11):
            plan = optimize(*as_question(asked, total / asked.budget), priced=False)
            shares.append(np.array(plan.chosen.spend) / plan.spend)
        apart[family] = float(np.abs(np.array(shares) - shares[1]).max())
    return apart


def result(records: list[Path]) -> None:
    """Write what the records say, and how fast ours is by itself."""
    answers: Answers = defaultdict(dict)
    for record in records:
        for line in _lines(record):
            answers[tuple(line["question"])][line["way"]] = line
    cells: dict[str, dict[str, Answers]] = defaultdict(lambda: defaultdict(dict))
    for question, by_way in answers.items():
        channels, family, grouped, _ = question
        cells[str(channels)][f"{family}, groups" if grouped else family][question] = by_way
    ordered = {str(channels): dict(sorted(cells[str(channels)].items())) for channels in (12, 30, 100)}
    document = {
        "python": platform.python_version(),
        "draws": instances.DRAWS,
        "race": {n: {cell: standings(some) for cell, some in by_cell.items()} for n, by_cell in ordered.items()},
        "end_to_end_500_draws": {
            str(n): end_to_end(n, 500, count) for n, count in ((12, 10), (30, 5), (100, 3), (250, 2))
        },
        "command_seconds_12_channels": command_seconds(),
        "shares_apart_for_12_12e6_12e11": units(),
    }
    (HERE / "result.json").write_text(json.dumps(document, indent=2) + "\n")


def main(verb: str, *rest: str) -> None:
    """Run one of the two verbs."""
    if verb == "race":
        part, of = (int(rest[1]), int(rest[2])) if len(rest) > 1 else (0, 1)
        race(Path(rest[0]), part, of)
    else:
        result([Path(name) for name in rest])


if __name__ == "__main__":
    main(*sys.argv[1:])
