"""Run the README's first command in a fresh clone; measure seconds and megabytes; write result.json."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SIZES = """
import importlib.metadata as m, json, pathlib
sizes = {}
for one in m.distributions():
    files = [pathlib.Path(one.locate_file(f)) for f in one.files or []]
    sizes[one.metadata["Name"]] = [sum(f.stat().st_size for f in files if f.is_file()) / 1e6, one.version]
print(json.dumps(sizes))
"""


def steps() -> list[str]:
    """The parts of the README's first command: environment, installation, main job."""
    text = (ROOT / "README.md").read_text()
    line = text.split("<!-- command: run -->\n```bash\n")[1].splitlines()[0]
    return line.split(" && ")


def megabytes(folder: Path) -> float:
    """Disk space of a folder, as `du` counts it."""
    told = subprocess.run(["du", "-sk", str(folder)], check=True, capture_output=True, text=True).stdout
    return int(told.split()[0]) * 1024 / 1e6


def timed(command: str, folder: Path) -> float:
    """Wall seconds of one step."""
    begin = time.perf_counter()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    script = ["bash", "-euo", "pipefail", "-c", command]
    subprocess.run(script, cwd=folder, env=plain, check=True, stdout=sys.stderr)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment, installation, job = steps()
        seconds = {"environment": timed(environment, clone), "installation": timed(installation, clone)}
        space = {"installed": megabytes(clone / ".venv")}
        seconds["main job"] = timed(job, clone)
        space["with the bytecode of a first run"] = megabytes(clone / ".venv")
        python = str(clone / ".venv" / "bin" / "python")
        sizes = json.loads(subprocess.run([python, "-c", SIZES], check=True, capture_output=True, text=True).stdout)
    result = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "seconds": {step: round(value, 1) for step, value in seconds.items()},
        "seconds in all": round(sum(seconds.values()), 1),
        "megabytes": {when: round(size) for when, size in space.items()},
        "packages [MB]": {
            f"{package} {version}": round(size, 1)
            for package, (size, version) in sorted(sizes.items(), key=lambda item: -item[1][0])
        },
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
