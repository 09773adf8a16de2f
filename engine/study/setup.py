"""A working sample project: a simulated history, its model file and scenarios to ask of it."""

from pathlib import Path
from typing import Any, NamedTuple

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample, sample_folder
from engine.data.write import write_panel
from engine.files import read_bytes, require_free, write_text
from engine.study.imagine import imagine

MARKET = "online_retail"
WEEKS = 156  # three years: enough to tell a season from a trend
PLANNED = ("best_split", "cut_15_percent", "tv_frozen_to_july", "earned_tenth")
STRESSED = "stress_cut_from_july"
SCENARIOS = (*PLANNED, STRESSED)


class Project(NamedTuple):
    """What was written, and the commands that lead from there to a plan."""

    folder: Path
    market: str
    files: tuple[str, ...]
    replaced: tuple[str, ...]  # those of the files that were there before
    commands: tuple[str, ...]


def write_project(folder: Path, seed: int, force: bool) -> Project:
    """Write panel.csv, model.toml and scenarios/*.toml into a folder; the same seed writes the same bytes.

    Raises:
        InputError: The folder holds files already and `force` is false, or `folder` is a file.
        StorageError: The folder cannot be written.
    """
    require_free(folder, force, form="folder", named="name")
    files = ("panel.csv", "model.toml", *(f"scenarios/{name}.toml" for name in SCENARIOS))
    replaced = tuple(name for name in files if (folder / name).exists())
    market = load(sample("configs", Path(MARKET)), Market)
    write_panel(folder, imagine(market, WEEKS, seed).dataset)
    for name in SCENARIOS:
        content = read_bytes(sample_folder("scenarios") / f"{name}.toml").decode()
        write_text(folder / "scenarios" / f"{name}.toml", content)
    return Project(folder, market.name, files, replaced, commands())


def commands() -> tuple[str, ...]:
    """The way from a sample project to a plan, a comparison and a stress test, run inside its folder."""
    first, *others = [f"scenarios/{name}.toml" for name in PLANNED]
    return (
        "peso check panel.csv --model model.toml",
        "peso calibrate panel.csv --model model.toml --out fit",
        f"peso optimize fit {first} --out plan.json",
        f"peso whatif {' '.join(others)} --fit fit",
        f"peso stress scenarios/{STRESSED}.toml --fit fit --out stress",
    )


def document(project: Project) -> dict[str, Any]:
    """The project as one JSON document."""
    return {
        "schema": "peso.project/1",
        "folder": str(project.folder),
        "market": project.market,
        "files": list(project.files),
        "replaced": list(project.replaced),
        "commands": list(project.commands),
    }


def text(project: Project) -> str:
    """The project for people: what is there, and what to do next."""
    where = "" if project.folder == Path() else f"  cd {project.folder}\n"
    steps = "\n".join(f"  {command}" for command in project.commands)
    replaced = f" Replaced what was there: {', '.join(project.replaced)}." if project.replaced else ""
    return (
        f"A sample project stands in {project.folder}: {WEEKS} weeks of a simulated market ({project.market}), "
        f"with {len(SCENARIOS)} scenarios.{replaced}\n\nNext:\n{where}{steps}"
    )
