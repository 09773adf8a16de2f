"""How quickly a what-if page of twelve channels and 500 draws follows its sliders, how near it is, and how large.

python experiments/whatif-page/run.py: writes result.json beside itself. Needs Chromium.
"""

import json
import platform
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from engine.config.loading import load
from engine.config.scenario import Scenario
from engine.optimize.plan import optimize
from engine.response.curves import KINDS, Channel, Curves, Family, History
from engine.response.curves_file import write_curves
from engine.study.whatif_page import whatif_page

HERE = Path(__file__).parent
CHANNELS, DRAWS, CHANGES = 12, 500, 200
TIMES = {
    "one split": "horizon = { start = 2027-01-04, periods = 52 }",
    "by quarter": 'horizon = { start = 2027-01-04, periods = 52, decide = "quarter" }',
}
SLIDE = """([hold, changes]) => {
  $("hold").checked = hold;
  let seed = 1;
  const random = () => (seed = seed * 16807 % 2147483647) / 2147483647, took = [];
  for (let change = 0; change < changes; change++) {
    const { range } = levers[change % levers.length];
    range.value = +range.min + random() * (range.max - range.min);
    const begin = performance.now();
    range.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    took.push(performance.now() - begin);
  }
  return took;
}"""


def channel(at: int, families: tuple[str, str], random: np.random.Generator) -> Channel:
    """A channel with three years of history."""

    def many(middle: float, spread: float = 0.3) -> np.ndarray:
        return middle * np.exp(spread * random.standard_normal(DRAWS))

    spend = random.lognormal(10.0, 0.4, 156) * (1 + at % 4)
    fading = {"retain": many(0.5).clip(0, 0.9)} | (
        {"onset": many(0.2).clip(0, 0.9)} if families[0] == "buildup" else {}
    )
    shape = {"slope": many(1.1, 0.15)} | ({"tail": many(2.0)} if families[1] == "burr" else {})
    money = {"ceiling": many(3.0 * spend.mean()), "halfway": many(1.5 * spend.mean())}
    past = History(float(spend.mean()), float(spend.max()), tuple(spend.tolist()))
    kind = KINDS[at % 4]
    return Channel(f"channel {at + 1}", kind, Family(families[0], fading), Family(families[1], money | shape), past)


def curves(families: tuple[str, str]) -> Curves:
    """Twelve channels of two families."""
    random = np.random.default_rng(2027)
    made = tuple(channel(at, families, random) for at in range(CHANNELS))
    return Curves("EUR", "revenue", "week", made, 1.0, prudence=0.5)


def measured(page: Page, held: Curves, asked: Scenario) -> dict[str, object]:
    """What one page says of itself, beside the planner."""
    plan = optimize(held, asked, priced=False)
    told = page.evaluate("spread(value).mean")
    found: dict[str, object] = {
        "draws": page.evaluate("told.draws"),
        "open_ms": round(page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")),
        "mean_off_relative": abs(told / plan.chosen.value.mean - 1),
    }
    for hold, name in ((False, "one_moves_ms"), (True, "all_give_way_ms")):
        took = np.percentile(page.evaluate(SLIDE, [hold, CHANGES]), [50, 95, 100])
        found[name] = {key: round(value, 1) for key, value in zip(("p50", "p95", "most"), took.tolist(), strict=True)}
    return found


def main() -> None:
    """Every case, one after the other."""
    cases = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as player:
        folder = Path(place)
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for families in (("geometric", "hill"), ("buildup", "burr")):
            held = curves(families)
            write_curves(folder / "curves.json", held)
            for name, horizon in TIMES.items():
                rules = "[every_channel]\nrelative = { min = 0.5, max = 1.5 }\n"
                asked = folder / "asked.toml"
                asked.write_text(f'name = "{name}"\n{horizon}\nbudget = {{ of_history = 1.0 }}\n{rules}')
                begin = time.perf_counter()
                html = whatif_page(folder / "curves.json", asked)
                seconds = time.perf_counter() - begin
                (folder / "page.html").write_text(html, encoding="utf-8")
                page = browser.new_page()
                page.goto((folder / "page.html").as_uri())
                case = {"families": " and ".join(families), "time": name, "bytes": len(html.encode())}
                case |= {"made_in_s": round(seconds, 2)} | measured(page, held, load(asked, Scenario))
                cases.append(case)
                print(json.dumps(case))
                page.close()
        machine = {"system": platform.platform(), "chromium": browser.version}
    (HERE / "result.json").write_text(json.dumps({"machine": machine, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
