"""The check of an installation: what is here, whether it works, and what to do where it does not."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from engine.errors import DeviceError, EngineError, StorageError
from engine.files import write_text

Verdict = Literal["fine", "note", "fault"]
NEEDED = 200_000_000  # free bytes below which a run may not find room for its files
OLDEST = (3, 11)  # a copied environment may run under any Python
LETTERS = "é–×€→█"  # what tables and charts are drawn with


@dataclass(frozen=True)
class Check:
    """One line of the doctor: what was looked at, the verdict, what was found, what to do."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine(folder: Path, encoding: str | None, colours: bool) -> tuple[Check, ...]:
    """Every check of this installation, in the order of a first working day.

    Args:
        folder: Where results would be written.
        encoding: Of the terminal; None where it says nothing.
        colours: Whether the terminal shows colours.
    """
    packages = check_packages()
    checks = [check_python(), *packages, check_processors()]
    if all(check.verdict != "fault" for check in packages):
        checks += [check_device(), *check_solvers()]
    return (*checks, check_folder(folder), check_terminal(encoding, colours))


def exit_code(checks: tuple[Check, ...]) -> int:
    """0 where everything needed is fine, 6 where the device is at fault, else 1."""
    faults = {check.name for check in checks if check.verdict == "fault"}
    return (DeviceError if faults == {"device"} else EngineError).exit_code if faults else 0


def check_python() -> Check:
    """The version of Python."""
    version = tuple(sys.version_info[:3])
    found = ".".join(map(str, version))
    if version >= OLDEST:
        return Check("python", "fine", found)
    return Check("python", "fault", found, "install Python 3.11 or later and create the environment anew")


def check_packages() -> tuple[Check, ...]:
    """The packages that the installation asks for, with their versions."""
    required = _required()
    versions = {name: _version(name) for name in required}
    missing = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if missing:
        remedy = "install again: pip install -c constraints.txt ."
        return (Check("packages", "fault", f"missing: {', '.join(missing)}", remedy),)
    polars = _version("polars")
    remedy = "to read Parquet: pip install -c constraints.txt '.[parquet]'"
    parquet = (
        Check("parquet", "fine", f"polars {polars}")
        if polars
        else Check("parquet", "note", "polars is not installed", remedy)
    )
    return (Check("packages", "fine", found), parquet)


def _required() -> list[str]:
    """Names of the packages that the main installation depends on."""
    asked = [line for line in metadata.requires("peso-engine") or [] if "extra ==" not in line]
    return sorted(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in asked)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def check_processors() -> Check:
    """How many processors this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Check("processors", "fine", f"{allowed} usable")


def check_device() -> Check:
    """Where JAX computes, and whether in double precision."""
    try:
        from engine.simulate.probe import probe_device

        probe = probe_device()
    except ImportError as fault:
        return Check("device", "fault", f"JAX cannot be loaded ({fault})", _again("jax jaxlib"))
    except DeviceError as fault:
        what, _, remedy = str(fault).partition("; ")
        return Check("device", "fault", what, remedy)
    found = f"{probe.platform}: {', '.join(probe.devices)}"
    if probe.double:
        return Check("device", "fine", f"{found}, double precision works")
    return Check("device", "fault", f"{found}, no double precision", "set JAX_PLATFORMS=cpu to use the CPU")


def check_solvers() -> tuple[Check, ...]:
    """Each solver, after a question whose answer is known."""
    try:
        from engine.optimize.probe import PACKAGES, probe_solvers
    except ImportError as fault:
        return (Check("solvers", "fault", f"cvxpy cannot be loaded ({fault})", _again("cvxpy-base")),)
    return tuple(
        Check(f"solver {probe.name}", "fault", f"{probe.version}, {probe.fault}", _again(PACKAGES[probe.name]))
        if probe.fault
        else Check(f"solver {probe.name}", "fine", f"{probe.version}, solves a known question")
        for probe in probe_solvers()
    )


def _again(package: str) -> str:
    return f"install it again: pip install --force-reinstall -c constraints.txt {package}"


def check_folder(folder: Path) -> Check:
    """Whether results can be written to a folder, and how much room is left there."""
    trial = folder / ".peso-doctor"
    try:
        write_text(trial, "trial\n")
        trial.unlink()
        free = shutil.disk_usage(folder).free
    except (StorageError, OSError):
        return Check(
            "folder", "fault", f"{folder} cannot be written", "go to a folder of your own, or name one in --out"
        )
    found = f"{folder} can be written, {free / 1e9:.1f} GB free"
    if free < NEEDED:
        return Check("folder", "fault", found, f"free at least {NEEDED / 1e6:.0f} MB")
    return Check("folder", "fine", found)


def check_terminal(encoding: str | None, colours: bool) -> Check:
    """Whether the terminal shows the letters of tables and charts."""
    found = f"{encoding or 'no encoding named'}, {'colours' if colours else 'no colours'}"
    try:
        LETTERS.encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return Check("terminal", "note", found, "set PYTHONUTF8=1 for accents and drawings")
    return Check("terminal", "fine", found)


def document(checks: tuple[Check, ...]) -> dict[str, Any]:
    """The checks as one JSON document."""
    return {
        "schema": "peso.doctor/1",
        "healthy": exit_code(checks) == 0,
        "checks": [
            {"name": check.name, "verdict": check.verdict, "found": check.found, "remedy": check.remedy}
            for check in checks
        ],
    }


def text(checks: tuple[Check, ...]) -> str:
    """The checks for people: the verdict on all first, then a line for each."""
    faults = [check.name for check in checks if check.verdict == "fault"]
    head = f"Not ready: {', '.join(faults)}." if faults else "Ready: everything the engine needs works here."
    wide = max(len(check.name) for check in checks)
    lines = [
        f"  {check.verdict:5}  {check.name:{wide}}  {check.found}{f' -> {check.remedy}' if check.remedy else ''}"
        for check in checks
    ]
    return "\n".join([head, *lines])
