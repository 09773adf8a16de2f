"""The pictures of the README: the sample project's report and what-if page as a browser shows them.

python experiments/pictures/run.py       needs the extra [dev] and Chromium
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE, PESO = Path(__file__).parent, Path(sys.executable).with_name("peso")
WIDE, HIGH = 1200, {"report": 1180, "whatif": 900}
STEPS = """init acme
calibrate acme/panel.csv --model acme/model.toml --out acme/fit
optimize acme/fit acme/scenarios/best_split.toml --out acme/plan.json
report acme/fit acme/plan.json --out report.html
whatif acme/scenarios/best_split.toml --fit acme/fit --page whatif.html"""


def main() -> None:
    """Write both pictures beside this file."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as player:
        for step in STEPS.splitlines():
            subprocess.run([PESO, *step.split()], cwd=place, check=True, capture_output=True)
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, high in HIGH.items():
            page = browser.new_page(viewport={"width": WIDE, "height": high}, color_scheme="light")
            page.goto((Path(place) / f"{name}.html").as_uri())
            page.screenshot(path=HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
