"""Agents and mean field on one core, beside numpy and mesa; write result.json (see README.md)."""

import functools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ALL = set(range(os.cpu_count() or 1))
os.sched_setaffinity(0, ALL if "--all-cores" in sys.argv else {max(ALL)})  # before JAX counts the cores

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import twin_numpy  # noqa: E402
from laws import all_laws  # noqa: E402
from mean_field import measure as mean_field  # noqa: E402
from toy import plan, table, toy  # noqa: E402

from engine.simulate.agents import ROW, WIDE, Work, simulate_agents  # noqa: E402
from engine.simulate.chance import Stream, words  # noqa: E402
from engine.simulate.records import World  # noqa: E402

PEOPLE, WEEKS, REPEATS = 2**24, 26, 5
GIGA = 2**30
QUIET = 1.5  # load average with this run alone, and some room


def seconds(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median of CPU seconds, after one call that compiles."""
    call()
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


@functools.partial(jax.jit, compiler_options=WIDE)
def roofline(seed: jax.Array, week: jax.Array) -> jax.Array:
    """Both words of every person of a crowd, and nothing done with them but one exclusive or."""

    def row(turn: jax.Array, total: jax.Array) -> jax.Array:
        ids = turn.astype(jnp.uint32) * ROW + jnp.arange(ROW, dtype=jnp.uint32)
        one, two = words(seed, Stream.LIFE, ids, week)
        return total ^ one ^ two

    return jax.lax.fori_loop(0, PEOPLE // ROW, row, jnp.zeros(ROW, jnp.uint32))


def speed(world: World) -> dict[str, float]:
    """Person-weeks a CPU second: words alone, agents from the first seat to the last week, numpy; in one run."""
    spend, told = plan(world, WEEKS), table(world)
    alone = seconds(lambda: [roofline(np.uint32(1), np.uint32(week)).block_until_ready() for week in range(WEEKS)])
    agents = seconds(lambda: simulate_agents(world, spend, PEOPLE, 1))
    plain = seconds(lambda: twin_numpy.simulate(told, PEOPLE // 8, WEEKS, 1), 3)
    done = PEOPLE * WEEKS
    return {
        "words_alone": done / alone,
        "agents": done / agents,
        "share_of_words_alone": alone / agents,
        "numpy": done / 8 / plain,
        "times_numpy": plain * 8 / agents,
    }


def mesa(world: World, ours: float) -> dict[str, Any] | str:
    """The same of mesa, in its own interpreter."""
    python = os.environ.get("MESA_PYTHON")
    if python is None:
        return "not measured: MESA_PYTHON is not set"
    people, weeks, rates = 100_000, 10, []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.json"
        file.write_text(json.dumps(table(world)._asdict()))
        for _ in range(3):
            command = [python, str(HERE / "twin_mesa.py"), str(file), str(people), str(weeks)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rates.append(people * weeks / told["seconds"])
    rate = statistics.median(rates)
    return {"version": told["mesa"], "person_weeks_a_second": rate, "agents_over_mesa": ours / rate}


def agree(world: World) -> dict[str, float]:
    """Agents and numpy twin after 20 weeks: the largest distance of a count in standard deviations."""
    people = 400_000
    one = simulate_agents(world, plan(world, 20), people, 1)
    other, bought = twin_numpy.simulate(table(world), people, 20, 1)
    mine = one.people[-1]
    apart = (mine - other) / np.sqrt(2 * np.maximum(mine, 1) * (1 - mine / people))
    repeats = one.flows[:, :, -1].sum()
    return {"stages": float(np.abs(apart).max()), "purchases": float((repeats - bought) / np.sqrt(2 * repeats))}


def linear(world: World) -> dict[str, Any]:
    """CPU seconds a person-week while people, and weeks, grow eightfold."""
    by_people = {
        count: seconds(lambda n=count: simulate_agents(world, plan(world, 8), n, 1), 3)
        for count in (2**20, 2**21, 2**22, 2**23)
    }
    by_weeks = {
        weeks: seconds(lambda t=weeks: simulate_agents(world, plan(world, t), 2**20, 1), 3)
        for weeks in (13, 26, 52, 104)
    }
    return {
        "nanoseconds_by_people": {str(n): 1e9 * taken / n / 8 for n, taken in by_people.items()},
        "nanoseconds_by_weeks": {str(t): 1e9 * taken / t / 2**20 for t, taken in by_weeks.items()},
    }


def by_chunk(world: World) -> dict[str, float]:
    """Person-weeks a CPU second by the size of a block."""
    people, spend = 2**22, plan(world, 4)
    rates = {}
    for chunk in (1_000, 7_000, 2**14, 2**16, 2**18, 2**20, 2**22):
        work = Work(chunk=chunk)
        rates[str(chunk)] = people * 4 / seconds(lambda w=work: simulate_agents(world, spend, people, 1, work=w), 3)
    return rates


def child(people: int, weeks: int, *flags: str) -> dict[str, float]:
    """A run in a process of its own: its peak of memory and its seconds."""
    command = [sys.executable, str(HERE / "run.py"), "--child", str(people), str(weeks), *flags]
    told: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def be_child(people: int, weeks: int) -> None:
    """Run, and print what it took."""
    world = toy()
    every: Any = map
    if "--all-cores" in sys.argv:
        every = ThreadPoolExecutor(len(ALL)).map
    simulate_agents(world, plan(world, 1), 2**20, 1)
    begin, wall = time.process_time(), time.perf_counter()
    told = simulate_agents(world, plan(world, weeks), people, 1, work=Work(every=every))
    used, passed = time.process_time() - begin, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGA
    counted = int(told.people[-1].sum())
    print(json.dumps({"people": counted, "gibibytes": peak, "cpu_seconds": used, "seconds": passed}))


def cores() -> dict[str, float] | str:
    """How much sooner all cores are done than one, by threads, in the same run."""
    if os.getloadavg()[0] > QUIET:
        return f"not measured: others use the machine (load {os.getloadavg()[0]:.1f})"
    one, every = child(2**24, 26), child(2**24, 26, "--all-cores")
    return {"cores": len(ALL), "times_one_core": one["seconds"] / every["seconds"]}


def accelerator() -> str:
    """Whether there is a GPU to be measured."""
    return "not measured: no GPU" if jax.default_backend() == "cpu" else "measure by hand: run.py pins one core"


def started(world: World) -> dict[str, Any]:
    """The head of a result, and the speed that it is about."""
    return {
        "python": platform.python_version(),
        "jax": jax.__version__,
        "load_average_at_the_start": round(os.getloadavg()[0], 2),
        "people": PEOPLE,
        "weeks": WEEKS,
        "person_weeks_a_cpu_second": speed(world),
    }


def main(again: set[str]) -> None:
    """Measure and write; of a result that is there, only the parts named."""
    world = toy()
    result: dict[str, Any] = json.loads((HERE / "result.json").read_text()) if again else started(world)
    parts: dict[str, Callable[[], Any]] = {
        "mesa": lambda: mesa(world, result["person_weeks_a_cpu_second"]["agents"]),
        "agents_against_numpy_in_deviations": lambda: agree(world),
        "linear": lambda: linear(world),
        "person_weeks_a_cpu_second_by_block": lambda: by_chunk(world),
        "peak_gibibytes_by_weeks_of_10_million": lambda: {
            str(weeks): child(10**7, weeks)["gibibytes"] for weeks in (4, 26, 104)
        },
        "a_thousand_million_people_for_2_weeks": lambda: child(10**9, 2),
        "threads": cores,
        "gpu": accelerator,
        "mean_field": mean_field,
        "laws": all_laws,
    }
    for name in again or parts:
        result[name] = parts[name]()
        print(name, json.dumps(result[name]), flush=True)
    (HERE / "result.json").write_text(json.dumps(result, indent=2, default=float) + "\n")


if __name__ == "__main__":
    if "--child" in sys.argv:
        be_child(*map(int, sys.argv[2:4]))
    else:
        main(set(sys.argv[1:]))
