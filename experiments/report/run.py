"""How long the pages of the demo take once its plan exists.

python experiments/report/run.py         into result.json; needs the extra [report]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE, PESO = Path(__file__).parent, Path(sys.executable).with_name("peso")
BEFORE = """demo --out demo
init acme
optimize demo/fit acme/scenarios/best_split.toml --out plan.json"""
PAGES = {
    "report of fit and plan": "report demo/fit plan.json --out {}.html",
    "report of fit, plan and world": "report demo/fit plan.json demo/world --out {}.html",
    "what-if page": "whatif acme/scenarios/best_split.toml --fit demo/fit --page {}.html",
    "workbook of plans": "report demo/fit plan.json --workbook {}.xlsx",
}
RUNS = 5


def main() -> None:
    """Measure, interpreter start included, medians of five."""
    with tempfile.TemporaryDirectory() as place:

        def asked(command: str) -> float:
            begin = time.perf_counter()
            subprocess.run([PESO, *command.split()], cwd=place, check=True, capture_output=True)
            return time.perf_counter() - begin

        for command in BEFORE.splitlines():
            asked(command)
        found: dict = {"cores": os.cpu_count(), "load before": round(os.getloadavg()[0], 2)}
        for at, (name, command) in enumerate(PAGES.items()):
            seconds = [asked(command.format(f"page{at}-{run}")) for run in range(RUNS)]
            written = next(Path(place).glob(f"page{at}-0.*"))
            found[name] = {"seconds": round(median(seconds), 2), "bytes": written.stat().st_size}
            print(name, found[name], flush=True)
    (HERE / "result.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
