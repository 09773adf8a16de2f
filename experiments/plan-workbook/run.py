"""How long a workbook of plans takes, and what LibreOffice makes of it after money was typed in.

python experiments/plan-workbook/run.py      into result.json; needs LibreOffice (soffice) and openpyxl
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import openpyxl

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.plan import optimize
from engine.report.page.given import FitRun, Given
from engine.report.plan_book import PlanBook, plan_book
from engine.report.plan_layout import Layout, case_row
from engine.report.plan_workbook import plan_workbook
from engine.response.curves import Channel, Curves, Family, History

HERE, DRAWS, RUNS, SEED = Path(__file__).parent, 500, 5, 1
KINDS = ("paid", "earned", "shared", "owned")
SATURATIONS = {
    "burr": {"slope": 1.2, "tail": 0.6},
    "hill": {"slope": 1.4},
    "logistic": {"slope": 2.5},
    "michaelis_menten": {},
    "exponential": {},
    "tanh": {},
    "power": {"slope": 0.5},
}
ADSTOCKS = {
    "buildup": {"retain": 0.5, "onset": 0.3},
    "geometric": {"retain": 0.6},
    "two_speed": {"retain": 0.3, "retain_slow": 0.9, "slow": 0.3},
    "delayed": {"retain": 0.5, "peak": 2.0},
    "weibull_cdf": {"shape": 1.5, "scale": 3.0},
    "weibull_pdf": {"shape": 2.0, "scale": 3.0},
}
CASES = {
    "6 channels, one split": (6, "horizon", ("burr",), ("buildup",)),
    "6 channels, by quarter": (6, "quarter", ("burr",), ("buildup",)),
    "12 channels, by quarter": (12, "quarter", ("burr",), ("buildup",)),
    "7 channels of all families, by quarter": (7, "quarter", tuple(SATURATIONS), tuple(ADSTOCKS)),
}


def curves(count: int, saturations: tuple[str, ...], adstocks: tuple[str, ...]) -> Curves:
    """Channels whose families take turns, with a past."""
    rng = np.random.default_rng(SEED)

    def many(middle: float, most: float = np.inf) -> np.ndarray:
        return np.minimum(middle * np.exp(0.15 * rng.standard_normal(DRAWS)), most)

    def family(name: str, known: dict[str, float]) -> Family:
        shares = ("retain", "retain_slow", "slow", "onset")
        return Family(name, {key: many(value, 0.97 if key in shares else np.inf) for key, value in known.items()})

    found = []
    for at in range(count):
        top, form = saturations[at % len(saturations)], adstocks[at % len(adstocks)]
        scale = {"ceiling": rng.uniform(50e3, 200e3), "halfway": rng.uniform(10e3, 50e3)}
        past = rng.uniform(5e3, 40e3, 104)
        history = History(float(past.mean()), float(past.max()), tuple(past.tolist()))
        saturation = family(top, scale | SATURATIONS[top])
        found.append(Channel(f"channel {at + 1}", KINDS[at % 4], family(form, ADSTOCKS[form]), saturation, history))
    return Curves("EUR", "revenue", "week", tuple(found), 1.0)


def booked(count: int, decide: str, saturations: tuple[str, ...], adstocks: tuple[str, ...]) -> Given:
    """A plan of such curves."""
    text = f'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 52, decide = "{decide}" }}\n'
    text += "budget = { of_history = 1 }\n[every_channel]\nrelative = { min = 0.5, max = 1.5 }"
    known = curves(count, saturations, adstocks)
    return Given(fit=FitRun(known), plans=(optimize(known, parse(text, Scenario, "x.toml"), priced=False),))


def recalculated(path: Path, book: PlanBook) -> dict[str, float]:
    """LibreOffice's largest difference from the engine, of at least EUR 1,000: as written, and with money typed in."""
    told, own = Layout(book, (0, 1)), len(book.cases) - 1
    money = book.cases[own].money * np.random.default_rng(SEED).uniform(0.2, 2.0, book.cases[own].money.shape)
    page = openpyxl.load_workbook(path)
    for channel, row in enumerate(money.tolist()):
        for at, one in enumerate(row):
            page["Spend"].cell(case_row(told, own, channel) + 1, 3 + at).value = one
    page["Summary"]["B5"] = book.names[own]
    page.save(path.with_name("typed.xlsx"))  # without any value of a formula
    found = {}
    for name, source, brings in (
        ("as written", path, book.brought[0]),
        ("typed", path.with_name("typed.xlsx"), book.brings(money)),
    ):
        place = path.parent / "out"
        begin = time.perf_counter()
        profile = f"-env:UserInstallation=file://{path.parent}/profile"
        asked = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", place, source]
        subprocess.run(asked, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        sheet = openpyxl.load_workbook(place / source.name, data_only=True)["Outcome"]
        cells = [told.brings(0, channel, span) for channel in range(len(brings)) for span in range(brings.shape[1])]
        here = np.array([sheet.cell(row + 1, column + 1).value for row, column in cells])
        apart = np.abs(here - brings.ravel()) / np.maximum(brings.ravel(), 1000.0)
        found[f"LibreOffice, {name}"] = float(apart.max())
        found[f"seconds of LibreOffice, {name}"] = round(seconds, 2)
    return found


def main() -> None:
    """Measure, medians of five."""
    result: dict = {"cores": os.cpu_count(), "load before": round(os.getloadavg()[0], 2), "draws": DRAWS}
    for name, case in CASES.items():
        given = booked(*case)
        with tempfile.TemporaryDirectory() as folder:
            path, seconds = Path(folder) / "plan.xlsx", []
            for _ in range(RUNS):
                begin = time.perf_counter()
                plan_workbook(path, plan_book(given))
                seconds.append(time.perf_counter() - begin)
            told = {"seconds": round(median(seconds), 3), "bytes": path.stat().st_size}
            result[name] = told | (recalculated(path, plan_book(given)) if shutil.which("soffice") else {})
        print(name, json.dumps(result[name]), flush=True)
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
