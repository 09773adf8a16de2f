"""What the answers of all ways say together: proofs, times, losses, and every answer that should not be."""

import statistics
from collections import defaultdict
from collections.abc import Callable

import numpy as np

CERTIFIED = 1e-3
SAME = 1e-5  # relative difference that counts as none: another optimizer's last steps
Asked = tuple  # variant, family, channels, draws, decisions, seed
Answers = dict[Asked, dict[str, dict]]


def document(lines: list[dict]) -> dict:
    """Everything that is reported."""
    answers: Answers = defaultdict(dict)
    for line in lines:
        answers[tuple(line["question"])][line["way"]] = line
    loads = [line["load"] for line in lines]
    return {
        "answers": len(lines),
        "engine": sorted({line.get("engine", "") for line in lines if "proven" in line}),
        "load_median_and_most": [statistics.median(loads), max(loads)],
        "ours": _by_cell(answers, lambda some: proofs(some, "ours")),
        "end_to_end": _by_cell(answers, lambda some: proofs(some, "end to end")),
        "percent_of_best": _by_cell(answers, standings),
        "faults": faults(answers),
    }


def _by_cell(answers: Answers, told: Callable[[list[dict[str, dict]]], dict]) -> dict[str, dict]:
    """What is told of the questions that differ in the seed alone, the largest cells last."""
    cells = defaultdict(list)
    for question, by_way in sorted(answers.items()):
        variant, family, channels, draws, decisions, _ = question
        cells[(variant, channels, draws, decisions, family)].append(by_way)
    named = {
        f"{variant}, {channels} channels, {decisions} decisions, {draws} draws, {family}": told(some)
        for (variant, channels, draws, decisions, family), some in cells.items()
    }
    return {name: told for name, told in named.items() if told}


def proofs(some: list[dict[str, dict]], way: str) -> dict:
    """Gaps and seconds; proven and estimated gaps stand apart."""
    lines = [by_way[way] for by_way in some if way in by_way]
    planned = [line for line in lines if line.get("gap") is not None]
    if not lines:
        return {}
    found = {"of": len(lines), "answered": len(planned)}
    for name, proven in (("proven", True), ("estimated", False)):
        gaps = [line["gap"] for line in planned if line["proven"] == proven]
        if gaps:
            found[name] = {
                "of": len(gaps),
                "within_0.1_percent": sum(gap <= CERTIFIED for gap in gaps),
                "median_gap_percent": round(100 * statistics.median(gaps), 5),
                "worst_gap_percent": round(100 * max(gaps), 5),
            }
    for clock in ("wall", "processor"):
        seconds = [line[clock] for line in lines]
        found[f"{clock}_median_and_most"] = [round(statistics.median(seconds), 3), round(max(seconds), 3)]
    return found


def standings(some: list[dict[str, dict]]) -> dict:
    """Each way's value as a share of the best that any way found, where ours and another way answered."""
    shares, seconds, missing = defaultdict(list), defaultdict(list), defaultdict(list)
    for by_way in some:
        kept = {way: line for way, line in by_way.items() if way != "end to end"}
        if "ours" not in kept or len(kept) < 2 or (best := best_of(kept)) <= 0:
            continue
        for way, line in kept.items():
            seconds[way].append(line["processor"])
            missing[way].append(line["fault"])
            if not line["fault"]:
                shares[way].append(line["value"] / best)
    return {
        way: {
            "of": len(seconds[way]),
            "without_a_plan": sum(fault not in ("", "breaks rules") for fault in missing[way]),
            "breaks_rules": missing[way].count("breaks rules"),
            "mean_percent": round(100 * float(np.mean(shares[way])), 4) if shares[way] else None,
            "worst_percent": round(100 * min(shares[way]), 4) if shares[way] else None,
            "lose_more_than_0.1_percent": sum(share < 1 - CERTIFIED for share in shares[way]),
            "median_processor_seconds": round(statistics.median(seconds[way]), 3),
        }
        for way in seconds
    }


def best_of(by_way: dict[str, dict]) -> float:
    """The best value of a plan that keeps the rules."""
    return max((line["value"] for line in by_way.values() if not line["fault"]), default=0.0)


def faults(answers: Answers) -> dict[str, list]:
    """Answers of ours that should not be, each with its question."""
    found = defaultdict(list)
    for question, by_way in sorted(answers.items()):
        others = {way: line for way, line in by_way.items() if way != "ours"}
        for way in ("ours", "end to end"):
            if way in by_way:
                for name, told in _faults(by_way[way], others, question[0] == "prudence"):
                    found[name].append([*question, told])
    return dict(found)


def _faults(line: dict, others: dict[str, dict], prudent: bool) -> list[tuple[str, object]]:
    """What is wrong with one answer; where moves are charged its value is not that of other ways."""
    if line["value"] is None:
        known = sorted(way for way, other in others.items() if not other["fault"])
        return [("no plan", f"{line['fault']}; found by {', '.join(known) or 'none'}")]
    told: list[tuple[str, object]] = []
    kind = "proven" if line["proven"] else "estimated"
    if line["fault"] or line["broken"]:
        told.append(("breaks rules", list(line["broken"])))
    if line["gap"] > CERTIFIED:
        told.append((f"{kind} gap above 0.1 percent", round(100 * line["gap"], 3)))
    return told if prudent else told + _beaten(line, others, kind)


def _beaten(line: dict, others: dict[str, dict], kind: str) -> list[tuple[str, object]]:
    """Where another way finds more than a plan or its bound."""
    told: list[tuple[str, object]] = []
    best, value = best_of(others), line["value"]
    if abs(value - line["net"]) > SAME * abs(line["net"]):
        told.append(("value differs from this experiment's", value / line["net"] - 1))
    if best > line["bound"] * (1 + SAME / 10):
        told.append((f"{kind} bound below another plan, percent", round(100 * (best / line["bound"] - 1), 4)))
    if best > value * (1 + SAME):
        told.append(("below another plan, percent", round(100 * (best / value - 1), 4)))
    known = {way: others[way]["value"] for way in ("as before", "even") if way in others and not others[way]["fault"]}
    beaten = {way: other for way, other in known.items() if other > value * (1 + 1e-9)}
    return told + [(f"below {way}, percent", round(100 * (other / value - 1), 6)) for way, other in beaten.items()]
