"""Calibrate and plan on public data whose truth is known or whose results are published; one table a case.

Run with the project's interpreter: python experiments/public-truth/run.py [--speed fast|nuts] [case ...]
The data are not part of this repository; PESO_PUBLIC_DATA names their folder, else ../shared/data is tried.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import examples
import meridian
import recovery
from command import RefusedError

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("PESO_PUBLIC_DATA", HERE.parents[2] / "shared" / "data"))
CASES: dict[str, Callable[[Path, Path, str], dict[str, Any]]] = {
    "mmm_example": examples.mmm_example,
    "mmm_roas_hidden": partial(examples.mmm_roas, "nothing"),
    "mmm_roas_control": partial(examples.mmm_roas, "control"),
    "mmm_roas_tests": partial(examples.mmm_roas, "tests"),
    "media_tvp": examples.media_tvp,
    "multidimensional": examples.multidimensional,
    **{f"recovery_{size}": partial(recovery.measure, size) for size in recovery.SIZES},
    **{f"meridian_{kind}": partial(meridian.measure, kind) for kind in ("national", "geo", "geo_full")},
}


def main() -> None:
    """Measure the cases named on the command line, or all, print each and write result.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", choices=["fast", "nuts"], default="fast")
    parser.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all if none is named")
    wanted = parser.parse_args()
    unknown = sorted(set(wanted.case) - set(CASES))
    if unknown:
        sys.exit(f"no case is called {', '.join(unknown)}; the cases are {', '.join(CASES)}")
    if not DATA.is_dir():
        sys.exit(f"no public data at {DATA}; set PESO_PUBLIC_DATA to their folder")
    with tempfile.TemporaryDirectory() as folder:
        for case in wanted.case or CASES:
            title = case if wanted.speed == "fast" else f"{case} ({wanted.speed})"
            found = rounded(measured(case, Path(folder), wanted.speed))
            print("\n".join([f"\n== {title}", *report(found)]), flush=True)
            keep(title, found)


def keep(title: str, found: dict[str, Any]) -> None:
    """Put one case into result.json beside those that are there."""
    place = HERE / "result.json"
    known = json.loads(place.read_text()) if place.exists() else {}
    known[title] = found
    place.write_text(json.dumps(dict(sorted(known.items(), key=_order)), indent=1) + "\n")


def _order(entry: tuple[str, Any]) -> tuple[int, str]:
    return list(CASES).index(entry[0].split(" ")[0]), entry[0]


def measured(case: str, folder: Path, speed: str) -> dict[str, Any]:
    """All figures of one case, or the sentence with which the command refused it."""
    try:
        return CASES[case](DATA, folder, speed)
    except RefusedError as refusal:
        return {"refused": str(refusal)}


def rounded(value: Any) -> Any:
    """The same with four significant digits: more would only be noise of the machine.

    >>> rounded({"a": (1.23456, True), "b": [123456.0]})
    {'a': [1.235, True], 'b': [123500.0]}
    """
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return float(f"{value:.4g}")


def report(found: dict[str, Any]) -> list[str]:
    """One case as a table of channels, a line of accuracy, a line for each plan, and health's doubts."""
    if "refused" in found:
        return [f"refused: {found['refused']}"]
    rows = [_channel(name, row) for name, row in found["channels"].items()]
    lines = table(["channel", "truth", "return 5 / 50 / 95 %", "inside", "half-life truth", "5 / 50 / 95 %"], rows)
    said = {
        "returns inside the 90 % band": found.get("roas_inside_90"),
        "error of contributions (sum of absolutes)": found.get("error_of_totals"),
        "of all media together": found.get("error_of_all_media"),
        "of single weeks": found.get("error_of_weeks"),
        "weeks inside the 90 % band": found.get("weeks_inside_90"),
    }
    lines += [f"{name}: {value:.1%}" for name, value in said.items() if value is not None]
    lines += [f"R2 {found['r2']:.3f}, MAPE {found['mape']:.1%}, trust {found['trust']}"]
    if "published" in found:
        lines += [f"published {found['published']}", f"ours {found['fit']}"]
        low, mean, high = found["published_plan"]["promised_05_mean_95"]
        lines += [f"plan 30%: promised {mean:+.1%} ({low:+.1%} .. {high:+.1%}), published +2.7%"]
    lines += [_plan(reach, one) for reach, one in found.get("plans", {}).items()]
    return lines + [f"doubt: {sentence}" for name, sentence in found["doubts"].items() if "channel" not in name]


def _channel(name: str, row: dict[str, Any]) -> list[str]:
    truth = f"{row['true']:.4g}" if "true" in row else _band(row["published"])
    life = [f"{row['true_half_life']:.2f}", _band(row["half_life"])] if "half_life" in row else ["", ""]
    return [name, truth, _band(row["roas"]), "yes" if row["inside"] else "no", *life]


def _band(three: Sequence[float]) -> str:
    return " / ".join(f"{value:.4g}" for value in three)


def _plan(reach: str, one: dict[str, Any]) -> str:
    low, mean, high = one["promised_05_mean_95"]
    line = (
        f"plan {reach}: {one['share_of_oracle']:.0%} of the oracle's gain, delivers {one['delivered']:+.1%} of "
        f"{one['oracle']:+.1%}, promised {mean:+.1%} ({low:+.1%} .. {high:+.1%})"
    )
    if "share_of_oracle_by_place" in one:
        line += f"; {one['share_of_oracle_by_place']:.0%} of the {one['oracle_by_place']:+.1%} place by place"
    return line + ("; the fit was refused first" if one["needed_consent"] else "")


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Columns side by side, empty ones left out."""
    kept = [index for index in range(len(header)) if any(row[index] for row in rows)]
    lines = [[row[index] for index in kept] for row in [header, *rows]]
    wide = [max(len(line[at]) for line in lines) for at in range(len(kept))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, wide, strict=True)).rstrip() for line in lines]


if __name__ == "__main__":
    main()
