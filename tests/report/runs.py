"""Small runs of every kind on disk, as the verbs write them, on one fit made by hand."""

import csv
import json
from pathlib import Path

import numpy as np

from engine.config.loading import load
from engine.config.scenario import Scenario
from engine.files import digest, write_json
from engine.optimize.plan import optimize
from engine.optimize.plan_file import write_plan
from engine.report.stress import stress_document
from engine.response.curves_file import read_curves
from engine.stress.readout import Answer, Bar
from engine.study.explore import Sweep, explore, write_explored
from engine.study.learn import write_fit
from tests.report.fits import fit_of
from tests.report.stressed import answer

HOSTILE = ("</script><script>window.PWNED=1</script>", '=HYPERLINK("http://x")', "<img src=x onerror=1>", "tv\x1b[31m")
YEAR = 'name = "{0}"\nhorizon = {{ start = 2027-03-01, periods = 52{1} }}\nbudget = {{ of_history = {2} }}\n'
RULES = "[every_channel]\nrelative = { min = 0.5, max = 1.5 }\n"


def written(folder: Path, names: tuple[str, ...] = ("tv", "press", "club", "letter")) -> dict[str, Path]:
    """A fit, a plan of one decision, one by quarter, one of less money, a frontier, a stress test and a world."""
    write_fit(folder / "fit", fit_of(names))
    curves = read_curves(folder / "fit" / "curves.json")
    asked = {"year": ("", 1.0), "quarters": (', decide = "quarter"', 1.0), "less": ("", 0.8)}
    for name, (decide, share) in asked.items():
        place = folder / f"{name}.toml"
        place.write_text(YEAR.format(f"{name} <b>", decide, share) + RULES)
        write_plan(folder / f"{name}.json", optimize(curves, load(place, Scenario)))
    write_explored(folder / "frontier", explore(folder / "fit", folder / "year.toml", Sweep(points=3)))
    shocks = (Bar(names[0], -300.0, -100.0), Bar("price <b>", -900.0, 0.0))
    found = answer(made_from=f"curves {curves.made_from}, scenario sha256:bb", tornado=shocks)
    write_json(folder / "stress" / "stress.json", stress_document(found))
    np.savez(folder / "stress" / "paths.npz", **paths_of(found))
    write_world(folder / "world", names)
    return {
        "fit": folder / "fit",
        **{name: folder / f"{name}.json" for name in asked},
        **{name: folder / name for name in ("frontier", "stress", "world")},
    }


def paths_of(found: Answer) -> dict[str, np.ndarray]:
    """Paths whose outcome is, in the mean, what the answer says of each policy."""
    case, around = found.cases[0], np.linspace(0.5, 1.5, found.cases[0].paths)
    return {f"0/{one.policy}/outcome": np.outer(around, [0.75, 0.25]) * one.outcome.mean for one in case.policies}


def write_world(folder: Path, channels: tuple[str, ...]) -> None:
    """A world of three stages, with a few routes."""
    folder.mkdir()
    tables = {
        "funnel.csv": [
            ["period", "segment", "stage", "people", "entered", "left", "purchases"],
            *(
                [day, segment, stage, people, 10, 8, bought]
                for day in ("2026-01-05", "2026-01-12")
                for segment in ("young", "old")
                for stage, people, bought in (("unaware", 600.5, 0), ("aware", 300, 0), ("customer", 99.5, 4))
            ),
        ],
        "paths.csv": [
            ["path", "conversions", "value", "nulls"],
            ["organic", 5, 100.0, 0],
            [channels[0], 4, 80.5, 2],
            [f"{channels[0]} > {channels[0]} > {channels[1]}", 2, 40.25, 1],
        ],
    }
    for name, rows in tables.items():
        with (folder / name).open("w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows(rows)
    told = {"schema": "peso.world/1", "currency": "EUR", "period": "week", "market": "Tiny <b>", "engine": "mean"}
    told |= {"seed": 7, "weeks": 2, "people": 100, "market_hash": "", "versions": {"numpy": "2"}}
    told["files"] = {name: digest((folder / name).read_bytes()) for name in tables}
    (folder / "manifest.json").write_text(json.dumps(told))
