"""peso stress: a plan under shocks, and what each policy makes of them."""

import difflib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from engine.study.stress import Asked, Prepared

from engine.cli.common import (
    PATH,
    emit,
    force_option,
    json_option,
    model_beside,
    note,
    out_option,
    path_argument,
    progress,
    quiet_option,
    seed_option,
    weak_fit_option,
)
from engine.cli.terminal import columns

POLICIES = ("hold", "trim", "replan", "trigger", "reserve", "foresight")


class Policies(click.ParamType[tuple[str, ...]]):
    """Names of policies with commas between them."""

    name = "policies"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, or what is wrong with one of them."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        for name in names:
            if name not in POLICIES:
                close = difflib.get_close_matches(name, POLICIES, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(POLICIES)}"
                self.fail(f"{name!r} is no policy; {hint}", param, ctx)
        return names


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@click.command(short_help="Put a plan under shocks, and say what each policy makes of them.")
@path_argument("scenario")
@click.option("--fit", type=PATH, required=True, help="A fit folder or a curves file.")
@click.option(
    "--set",
    "shocks",
    type=click.Choice(["scenario", "ladder", "montecarlo", "replay"]),
    help="scenario: each of its shocks alone, and all at once; ladder: cuts, prices, demand, outages by rising size; "
    "montecarlo: its shocks by chance, on many paths; replay: demand and prices of past years. "
    "[default: what goes with the scenario's shocks, ladder without any]",
)
@click.option("--paths", type=click.IntRange(1, 1_000_000), help="montecarlo, replay: paths.  [default: 1000]")
@click.option(
    "--policy",
    "policies",
    type=Policies(),
    multiple=True,
    metavar="NAME,...",
    help="What is done under way: hold, trim, replan, trigger, reserve, foresight.  "
    "[default: hold,trim,replan,foresight]",
)
@click.option(
    "--tune",
    multiple=True,
    type=click.Choice(["reserve", "trigger"]),
    help="montecarlo: also look for the best size of the reserve, or band of the trigger, and judge it on fresh paths; "
    "may be given twice.",
)
@click.option(
    "--tune-for",
    type=click.Choice(["mean", "worst"]),
    help="What --tune makes as high as it can: the mean of all paths, or of the worst ones (stress.level).  "
    "[default: mean]",
)
@click.option("--data", type=PATH, help="replay: the history that was fitted.")
@click.option("--model", type=PATH, help="What its columns mean; model.toml beside it if absent.")
@click.option(
    "--world",
    type=PATH,
    help="Also play the policies in this simulated market, by the same seed: a file, or the name of a sample.",
)
@click.option("--workers", type=click.IntRange(1, 512), help="Processes that work.  [default: all cores]")
@click.option(
    "--device",
    type=click.Choice(["cpu", "gpu"]),
    default="cpu",
    show_default=True,
    help="Where it is worked out what money brings; gpu fails rather than falls back, and is for one worker.",
)
@seed_option
@out_option("Folder for stress.json, stress.xlsx, paths.csv and paths.npz.", required=True)
@weak_fit_option
@force_option
@json_option
@quiet_option
def verb(
    scenario: Path,
    fit: Path,
    shocks: Any,
    paths: int | None,
    policies: tuple[tuple[Any, ...], ...],
    tune: tuple[Any, ...],
    tune_for: Any,
    data: Path | None,
    model: Path | None,
    world: Path | None,
    workers: int | None,
    device: str,
    seed: int,
    out: Path,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Plan SCENARIO without its surprises, then let its shocks come, and say what each policy brings.

    \b
    Examples:
      peso stress scenario.toml --fit fit --out stress
      peso stress scenario.toml --fit fit --set ladder --out stress
      peso stress scenario.toml --fit fit --set montecarlo --paths 10000 --policy hold,trim,replan,reserve --out stress
      peso stress scenario.toml --fit fit --set montecarlo --tune reserve --out stress
      peso stress scenario.toml --fit fit --set replay --data sales.csv --model model.toml --out stress
      peso stress scenario.toml --fit fit --world online_retail --out stress

    Policies meet the same paths: hold (the plan as it is), trim (cut in proportion), replan (the rest anew at each
    decision), trigger (anew once the outcome leaves a band), reserve (hold money back first), foresight (knows every
    shock ahead: what others lack to it is their regret). The answer is the same whatever --workers.

    A run is kept part by part in the folder parts at --out: after an interruption (exit code 7), or any other end, the
    same command goes on from there and comes to the same hash. Where something else is asked, it refuses what was
    begun; --force then starts anew.
    """
    from engine.stress.parts import alone
    from engine.study.stress import Asked, History
    from engine.study.stress_files import require_place

    _require_together((shocks, data, model), (tune, tune_for), (device, workers), world)
    require_place(out, force, scenario, fit, *[path for path in (data, model, world) if path])
    asked = Asked(
        scenario=scenario,
        fit=fit,
        shocks=shocks,
        policies=tuple(name for some in policies for name in some),
        paths=paths,
        seed=seed,
        history=History(data, model or model_beside(data)) if data else None,
        accept_weak_fit=accept_weak_fit,
    )
    with alone(out), progress(f"stress (seed {seed})", quiet) as tell:
        document, text, cut = _answer(asked, world, (tune, tune_for), (out, force), (workers, device), tell)
    note(f"answer written to {out} (seed {seed}){cut}", quiet)
    emit(document, text, as_json, out)


def _require_together(
    replay: tuple[str | None, Path | None, Path | None],
    tune: tuple[tuple[Any, ...], Any],
    hands: tuple[str, int | None],
    world: Path | None,
) -> None:
    """Refuse options that say nothing together, and a file that is no market, before the plan that takes a while."""
    (shocks, data, model), (tuned, tune_for), (device, workers) = replay, tune, hands
    if data and shocks != "replay":
        raise click.UsageError("--data goes with --set replay; add that, or leave --data out")
    if world and shocks == "replay":
        raise click.UsageError("--world has a market of its own, and --set replay past years; leave out one of them")
    if model and not data:
        raise click.UsageError("--model goes with --data, whose columns it names; add that, or leave --model out")
    if device == "gpu":
        _require_gpu(workers, world)
    if tune_for and not tuned:
        raise click.UsageError("--tune-for goes with --tune; add that, or leave --tune-for out")
    if world:
        _require_market(world)


def _require_gpu(workers: int | None, world: Path | None) -> None:
    """Refuse what does not go with a GPU, or its want."""
    from engine.cli.common import choose_device

    if workers and workers > 1:
        raise click.UsageError("--device gpu is for one worker, which has the GPU to itself; leave --workers out")
    if world:
        raise click.UsageError("--world is played on the CPU; leave --device gpu out")
    choose_device("gpu")


def _require_market(world: Path) -> None:
    """Refuse a file that is no market."""
    from engine.config.loading import load
    from engine.config.market import Market
    from engine.config.samples import sample

    load(sample("configs", world), Market)


def _answer(
    asked: "Asked",
    world: Path | None,
    tune: tuple[tuple[Any, ...], Any],
    place: tuple[Path, bool],
    hands: tuple[int | None, str],
    tell: Callable[[str], None],
) -> tuple[dict[str, Any], str, str]:
    """The answer as a document and as text, once it is written; and what its table leaves out."""
    from engine.report.stress import Beside, stress_document, stress_text
    from engine.stress.run import Hands, resumable, run
    from engine.study.stress import prepared
    from engine.study.stress_answer import answered
    from engine.study.stress_files import rows_told, write_answer

    (out, anew), (workers, device) = place, hands
    tell("planning")
    ready = prepared(asked)
    if device == "gpu":
        ready = on_device(ready)
    there = _world(ready, world) if world else None
    tuning, advice, following = _tuned(asked, ready, tune, tell) if tune[0] else ({}, "", "")
    found, parts = run(ready.work, out, Hands(1 if device == "gpu" else workers or cores()), clocked(tell), anew)
    with resumable(out):
        tell("putting it together")
        answer = answered(ready, found)
        document, lived = stress_document(answer) | tuning, ""
        if there:
            document["in_world"], lived = there(tell)
        text = stress_text(answer, columns(), Beside(advice, lived, following))
        write_answer(out, found, (answer, document), parts)
    told, every = rows_told(found)
    return document, text, f"; paths.csv holds the first {told:,} of {every:,} paths, paths.npz all" * (told < every)


def on_device(ready: "Prepared") -> "Prepared":
    """The same test, where what money brings is worked out on the GPU."""
    from dataclasses import replace

    from engine.study.stress_device import works_on_device

    return replace(ready, work=replace(ready.work, works=works_on_device))


def _tuned(
    asked: "Asked", ready: "Prepared", tune: tuple[tuple[Any, ...], Any], tell: Callable[[str], None]
) -> tuple[dict[str, Any], str, str]:
    """What tuning comes to, for the document and as text; and what to do next."""
    from engine.report.tuned import tuned_document, tuned_next, tuned_text
    from engine.study.stress_tuned import tuned_policies

    (policies, of), plan = tune, ready.plan
    heard = clocked(tell, "choices tried")
    found = tuned_policies(asked, ready, tuple(dict.fromkeys(policies)), of or "mean", heard)
    text = tuned_text(found, plan.currency, plan.unit, columns())
    return {"tuned": tuned_document(found)}, text, tuned_next(found)


def _world(ready: "Prepared", market: Path) -> Callable[[Callable[[str], None]], tuple[list[dict[str, Any]], str]]:
    """A world that fits the plan, ready to play it: as a document and as text."""
    from engine.cli.common import choose_device
    from engine.study.stress_world import opened, played_in, world_document, world_text

    choose_device("cpu")
    place = opened(ready, market)

    def played(tell: Callable[[str], None]) -> tuple[list[dict[str, Any]], str]:
        found = played_in(ready, place, tell)
        return world_document(found), world_text(found, ready, place, columns())

    return played


def clocked(tell: Callable[[str], None], what: str = "parts") -> Callable[[int, int], None]:
    """Say how many parts are done, and how long the others will take at the same pace."""
    began: list[tuple[float, int]] = []

    def heard(done: int, every: int) -> None:
        began.append((time.monotonic(), done))
        (first, before), now = began[0], began[-1][0]
        left = (now - first) / (done - before) * (every - done) if done > before else None
        tell(f"{done} of {every} {what}" + (f", about {_duration(left)} left" if left else ""))

    return heard


def _duration(seconds: float) -> str:
    """A time in words.

    >>> _duration(42.0), _duration(200.0), _duration(8000.0)
    ('42 s', '3 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
