"""Measure the CPU seconds of `peso --help` and of every verb's help; write result.json beside this file."""

import json
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from engine.cli.verbs import VERBS

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).with_name("peso")
REPEATS = 15


def cpu_seconds(words: list[str]) -> float:
    """User and system seconds of one run of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(COMMAND), *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(words: list[str]) -> dict[str, float]:
    """Median and worst of some runs after one that fills the file cache."""
    cpu_seconds(words)
    seconds = [cpu_seconds(words) for _ in range(REPEATS)]
    return {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)}


def main() -> None:
    """Measure and write."""
    asked = {"peso --help": ["--help"], **{f"peso {verb} --help": [verb, "--help"] for verb in VERBS}}
    result = {
        "python": platform.python_version(),
        "repeats": REPEATS,
        "cpu_seconds": {name: measure(words) for name, words in asked.items()},
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
