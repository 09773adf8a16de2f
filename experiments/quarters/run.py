"""Years by quarter and month: ours and others' ways on the same random questions, and what all say together.

run.py race RECORD [WAY...]    answer what RECORD does not hold yet, by all ways or some; a line an answer
run.py result RECORD...        write result.json beside this file from one or more records
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from instances import SLOPES, Instance, alike, as_before, even, instance, is_kept, small, value
from peers import greedy, mixed_integer, oracle, slsqp, slsqp_often
from questions import Answer, of_one_split, planned, printed, with_mean_decay
from standing import document

from engine.errors import EngineError

HERE = Path(__file__).parent
Question = tuple[str, str, int, int, int, int]  # variant, family, channels, draws, decisions, seed
VARIANTS = ("no ramp", "months", "by quarter", "committed", "flights", "flights, no ramp")
SMALL = ("plain", "no ramp", "by quarter", "committed", "flights", "flights, no ramp")


def _cells(ways: str, sizes: dict[tuple[int, int], int], variants: tuple[str, ...] = ("plain",)) -> Iterator[tuple]:
    """Ways, variant, size (channels, draws) and number of questions a family."""
    for way in ways.split(" + "):
        for variant in variants:
            for size, count in sizes.items():
                yield way, variant, size, count


PLAN = [  # what is answered: of each family so many
    *_cells("ours", {(12, 500): 20, (30, 500): 10, (100, 500): 5, (12, 200): 5, (30, 200): 5, (100, 200): 3}),
    *_cells("ours + as before + even", {(12, 200): 5, (30, 200): 2}, VARIANTS),
    *_cells("ours", {(12, 200): 5, (30, 200): 2}, ("prudence",)),
    *_cells("ours + oracle + even", {(3, 20): 3}, SMALL),
    *_cells("ours + mixed-integer + slsqp, 10 starts", {(4, 20): 3}, ("alike",)),
    *_cells("end to end", {(12, 500): 5, (30, 500): 3, (100, 500): 2}),
    *_cells("as before + even", {(12, 200): 5, (30, 200): 5, (100, 200): 3}),
    *_cells("greedy + mean decay", {(12, 200): 5, (30, 200): 2, (100, 200): 1}),
    *_cells("mean decay", {(12, 200): 5}, ("no ramp",)),
    *_cells("slsqp", {(12, 200): 5, (30, 200): 1}),
    *_cells("slsqp", {(12, 200): 2}, VARIANTS),
    *_cells("slsqp, 10 starts", {(12, 200): 3}),
    *_cells("slsqp, 10 starts", {(12, 200): 1}, VARIANTS),
]


def _even(asked: Instance) -> np.ndarray | None:
    split = of_one_split(asked)
    return None if split is None else even(asked, split)


WAYS: dict[str, Callable[[Instance], np.ndarray | None]] = {
    "slsqp": slsqp,
    "slsqp, 10 starts": slsqp_often,
    "greedy": greedy,
    "mixed-integer": mixed_integer,
    "oracle": oracle,
    "as before": as_before,
    "even": _even,
    "mean decay": with_mean_decay,
}


def asked_of(question: Question) -> Instance:
    """The instance of a question."""
    variant, family, channels, draws, decisions, seed = question
    if channels == 3:
        return small(variant, family, decisions, seed)
    plain = variant in ("alike", "prudence")
    asked = instance("plain" if plain else variant, family, (channels, draws), seed)
    return alike(asked) if variant == "alike" else asked


def jobs() -> Iterator[tuple[str, Question]]:
    """All that is to be answered, each way as far as the others of its count."""
    every = []
    for way, variant, (channels, draws), count in PLAN:
        lengths = (2, 3) if channels == 3 else (12,) if variant == "months" else (4,)
        for family in SLOPES:
            for decisions in lengths:
                for seed in range(count):
                    every.append(((seed + 1) / count, way, (variant, family, channels, draws, decisions, seed)))
    yield from ((way, question) for _, way, question in sorted(every, key=lambda job: job[0]))


def _version() -> str:
    """The commit of the engine that answers."""
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True)
    return told.stdout.strip()


def race(record: Path, ways: tuple[str, ...]) -> None:
    """Answer what the record does not hold yet."""
    held = {(line["way"], tuple(line["question"])) for line in _lines(record)} if record.exists() else set()
    version = _version()
    for way in ("ours", "slsqp"):
        _answer(way, ("alike", "mixed", 4, 20, 4, 999))  # solvers load once
    with record.open("a") as out:
        for way, question in jobs():
            if (way, question) in held or (ways and way not in ways):
                continue
            out.write(json.dumps(_answer(way, question) | {"engine": version}) + "\n")
            out.flush()


def _answer(way: str, question: Question) -> dict:
    """What one way says to a question, valued here."""
    asked = asked_of(question)
    line: dict = {"way": way, "question": question, "load": round(os.getloadavg()[0], 1), "fault": "", "value": None}
    begin, work = time.perf_counter(), time.process_time()
    answer, plan = None, None
    try:
        if way in ("ours", "end to end"):
            answer = printed(asked) if way == "end to end" else planned(asked, float(question[0] == "prudence"))
            plan = answer.plan if answer else None
        else:
            plan = WAYS[way](asked)
    except (EngineError, AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        line["fault"] = f"{type(error).__name__}: {error}"[:300]
    line |= {"wall": time.perf_counter() - begin, "processor": time.process_time() - work}
    if plan is None:
        return line | {"fault": line["fault"] or "no answer"}
    kept = is_kept(asked, plan)
    line |= {"value": value(asked, plan), "fault": "" if kept else "breaks rules"}
    return line | (_proof(answer) if answer else {})


def _proof(answer: Answer) -> dict:
    return {
        "net": answer.value,
        "bound": answer.bound,
        "gap": answer.gap,
        "proven": answer.proven,
        "broken": answer.broken,
        "preparing": answer.preparing,
    }


def _lines(record: Path) -> list[dict]:
    return [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]


def result(records: list[Path]) -> None:
    """Write what the records say."""
    lines = [line for record in records for line in _lines(record)]
    known = {"python": platform.python_version(), "processors": os.cpu_count()}
    (HERE / "result.json").write_text(_text(known | document(lines)))


def _text(whole: dict) -> str:
    """JSON with a line for each cell."""
    parts = []
    for key, held in whole.items():
        told = json.dumps(held)
        if isinstance(held, dict):
            cells = (f"{json.dumps(name)}: {json.dumps(one)}" for name, one in held.items())
            told = "{\n  " + ",\n  ".join(cells) + "\n }"
        parts.append(f" {json.dumps(key)}: {told}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(verb: str, record: str, *rest: str) -> None:
    """Run one of the two verbs."""
    if verb == "race":
        race(Path(record), rest)
    else:
        result([Path(record), *(Path(name) for name in rest)])


if __name__ == "__main__":
    main(*sys.argv[1:])
