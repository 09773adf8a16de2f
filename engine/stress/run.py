"""A run of a stress test: all cases on all paths, part by part, by any number of workers, the same whoever does what.

What is done stays done: a run that was cut off, even by a signal that nothing can answer, goes on from its last part.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from engine import __version__
from engine.errors import ResumableError
from engine.stress.account import Account, joined
from engine.stress.bridge import steps
from engine.stress.history import Past, replayed
from engine.stress.levels import Levels, levels
from engine.stress.parts import Arrays, Parts, fingerprint, opened, read, write
from engine.stress.play import Paths, paths_of, works
from engine.stress.policies import ROLLING, Policy
from engine.stress.sets import Case
from engine.stress.setting import Setting, Working
from engine.stress.trial import Trial, World, factors, played, shocked

TOGETHER = 500  # paths of a part: seconds of work, which is all that an end without warning loses
TOGETHER_HELD = 4000  # where nobody plans anew
AHEAD = 2  # parts that a worker has: the one it is at, and the next
APART = 5000  # first paths of a case, of which a bridge tells the shocks apart
TOLD_APART = ("montecarlo", "together", "shock")  # families of cases with several shocks, of which a bridge tells each

Tell = Callable[[int, int], None]
"""Hears how many parts are done, of how many."""


def unheard(_done: int, _all: int) -> None:
    """Nobody listens."""


Works = Callable[[Setting, Paths], tuple[Working, ...]]
"""How the money of each channel works on the draws of some paths."""


@dataclass(frozen=True)
class Work:
    """What is to be played."""

    trial: Trial
    cases: tuple[Case, ...]
    count: int  # paths of each case
    past: Past | None = None  # history that is replayed instead of shocks
    together: int = 0  # paths of a part, about; 0: as many as suit the policies
    works: Works = works  # with what it is worked out how money works on some draws

    @cached_property
    def pieces(self) -> list[Paths]:
        """The paths of each case, in pieces."""
        usual = TOGETHER if any(policy in ROLLING for policy in self.trial.policies) else TOGETHER_HELD
        return paths_of(self.count, self.trial.setting.curves.draws, self.together or usual)


@dataclass(frozen=True)
class Gathered:
    """What a case came to on all its paths."""

    case: Case
    number: Int[np.ndarray, " path"]
    draw: Int[np.ndarray, " path"]  # of the curves
    factors: Float[np.ndarray, "path shock"]  # 1 for a shock without one; NaN where it does not come
    steps: Float[np.ndarray, "some step"]  # of the bridge, for its first paths [outcome]
    accounts: Mapping[Policy, Account]


@dataclass(frozen=True)
class Hands:
    """Who works: so many processes, or an executor of one's own, which needs to see the same files."""

    workers: int = 1
    executor: Executor | None = None


Task = tuple[int, int]  # numbers of a case and of a piece


def run(
    work: Work, place: Path, hands: Hands, tell: Tell = unheard, anew: bool = False
) -> tuple[tuple[Gathered, ...], Parts]:
    """What every case came to, in order, and the parts, to be removed once the answer is written.

    Args:
        work: What is to be played.
        place: The folder of the answer; parts are kept in it.
        hands: Who works.
        tell: Hears how far it is.
        anew: What was begun of another question may be removed.

    Raises:
        InputError: The folder holds parts of another question, and `anew` is false.
        ResumableError: The run was interrupted, or a worker was ended from outside.
        StorageError: The disk is full.
    """
    parts = opened(place, facts(work), anew)
    try:
        _complete(work, parts, hands, tell)
        return tuple(_gathered(work, parts, case) for case in range(len(work.cases))), parts
    except KeyboardInterrupt:
        stopped = _interrupted(place)
    except BrokenExecutor:
        stopped = (
            f"{place}: a worker was ended from outside, most often for want of memory; run the same command again, "
            "with fewer --workers if it happens again"
        )
    finally:
        _WORKING.clear()
    gc.collect()  # who leaves at once leaves locks behind that workers shared, unless nothing holds them any more
    raise ResumableError(stopped)


@contextmanager
def resumable(place: Path) -> Iterator[None]:
    """What is done with parts that stay until it is done: an interruption says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise ResumableError(_interrupted(place)) from None


def _interrupted(place: Path) -> str:
    return f"{place}: interrupted, resumable: run the same command again"


def facts(work: Work) -> dict[str, str]:
    """All that the answer depends on, by what it is called to people."""
    trial = work.trial
    starts = [start.setting for start in (trial.plan, trial.reserve) if start]
    return {
        "curves": fingerprint(trial.setting.curves),
        "scenario": fingerprint(trial.setting.planned, trial.band),
        "plan": fingerprint([told.money for told in starts]),
        "set of shocks": fingerprint(work.cases, work.past),
        "policies": ", ".join(trial.policies),
        "paths": str(work.count),
        "seed": str(trial.seed),
        "version": f"{__version__}, {work.together} paths together, {work.works.__name__}",
    }


def hash_of(found: tuple[Gathered, ...]) -> str:
    """The digest of all numbers of a run, in order.

    It is the same for the same question, whoever worked and however often it was cut off.
    """
    told = [(one.number, one.draw, one.factors, one.steps, dict(one.accounts)) for one in found]
    return fingerprint([one.case.name for one in found], told)


def _complete(work: Work, parts: Parts, hands: Hands, tell: Tell) -> None:
    """Do what is not done yet."""
    last = len(work.pieces) - 1
    every = [(case, piece) for case in range(len(work.cases)) for piece in range(last + 1)]
    left = [task for task in every if read(parts, _name(task)) is None]
    left.sort(key=lambda task: task[1] == last)  # the last piece may have other draws: all of it late
    done = len(every) - len(left)
    tell(done, len(every))
    if hands.executor is None and min(hands.workers, len(left)) <= 1:
        for more, task in enumerate(left, 1):
            _finish(work, parts, task)
            tell(done + more, len(every))
        return
    if hands.executor:
        finished = _by_executor(work, parts, left, hands.executor)
    else:
        finished = _by_workers(work, parts, left, min(hands.workers, len(left)) - 1)  # this process is the other one
    with closing(finished):
        for more, _ in enumerate(finished, 1):
            tell(done + more, len(every))


def _by_executor(work: Work, parts: Parts, tasks: list[Task], executor: Executor) -> Generator[None, None, None]:
    """Once for each task that is done; those that nobody has begun are left where something went wrong with another."""
    waited = [executor.submit(_finish, work, parts, task) for task in tasks]
    try:
        for one in as_completed(waited):
            one.result()
            yield
    finally:
        for one in waited:
            one.cancel()


def _by_workers(work: Work, parts: Parts, tasks: list[Task], workers: int) -> Generator[None, None, None]:
    """Once for each task that is done by so many processes and by this one, which takes the last of those left.

    No more is handed out than keeps them busy: a pool that breaks waits for ever on what was handed out and taken back.
    """
    before = multiprocessing.active_children()
    pool, left = _pool(workers), deque(tasks)
    given: set[Future[None]] = set()
    try:
        while left or given:
            while left and len(given) < AHEAD * workers:
                with _deaf():
                    given.add(pool.submit(_finish, work, parts, left.popleft()))
            if left:
                _finish(work, parts, left.pop())
                yield
            finished, given = wait(given, 0 if left else None, FIRST_COMPLETED)
            for one in finished:
                one.result()
                yield
    except BaseException:
        for child in multiprocessing.active_children():
            if child not in before:
                child.kill()  # what they are at is not worth the wait
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(workers: int) -> Executor:
    """Processes begun afresh, since a copy of this one may hold locks of its threads.

    They hear of the work with their tasks: who begins a process waits for ever where it ends before it has read all
    that it is begun with.
    """
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begun)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that begin here hear no Ctrl-C, which is for whom they work for; nor an end before they are up."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begun() -> None:
    """A worker hears an end, no Ctrl-C, and ends with the process that it works for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _leave_with(parent: multiprocessing.process.BaseProcess | None) -> None:
    """Leave once the process that began this one has ended, of which no signal tells."""
    if parent is not None:
        parent.join()
        os._exit(1)


def _finish(work: Work, parts: Parts, task: Task) -> None:
    """Play one piece of one case, and keep it."""
    trial, case, paths = work.trial, work.cases[task[0]], work.pieces[task[1]]
    ways, none = _works(work, parts.mark, paths), np.ones((len(paths.number), 0))
    found = played(trial, _world(work, case, paths), paths, ways)
    arrays: Arrays = {
        "number": paths.number,
        "draw": paths.draws[np.arange(len(paths.number)) % len(paths.draws)],
        "factors": factors(trial, case.shocks, paths) if case.shocks else none,
        "steps": steps(trial, case.shocks, paths, ways) if is_apart(case, paths) else none[:0],
    }
    for policy, account in found.items():
        arrays |= {f"{policy} {field.name}": getattr(account, field.name) for field in fields(Account)}
    write(parts, _name(task), arrays)


def is_apart(case: Case, paths: Paths) -> bool:
    """Whether a bridge tells the shocks of a piece of a case apart."""
    return case.family in TOLD_APART and (int(paths.number[0]) == 0 or int(paths.number[-1]) < APART)


def _world(work: Work, case: Case, paths: Paths) -> World:
    """What comes of some paths; of a past that is replayed nobody knows beforehand how it goes on."""
    record = work.past
    if record is None:
        return shocked(work.trial, case.shocks, paths)

    def told(setting: Setting, known_by: int | None) -> Levels:
        if known_by is None:
            return replayed(setting, record, work.trial.seed, paths.number)
        return levels(setting, ())

    return told


_WORKING: dict[tuple[str, bytes], tuple[Working, ...]] = {}  # of the draws of the latest piece: one entry


def _works(work: Work, mark: str, paths: Paths) -> tuple[Working, ...]:
    """How money works on the draws of some paths, which most pieces share."""
    key = mark, paths.draws.tobytes()
    found = _WORKING.get(key)
    if found is None:
        found = work.works(work.trial.setting, paths)
        _WORKING.clear()
        _WORKING[key] = found
    return found


def _gathered(work: Work, parts: Parts, case: int) -> Gathered:
    """All pieces of a case, in order."""
    found = [_kept(parts, (case, piece)) for piece in range(len(work.pieces))]

    def account(piece: Arrays, policy: Policy) -> Account:
        return Account(*(piece[f"{policy} {field.name}"] for field in fields(Account)))

    return Gathered(
        case=work.cases[case],
        number=np.concatenate([one["number"] for one in found]),
        draw=np.concatenate([one["draw"] for one in found]),
        factors=np.concatenate([one["factors"] for one in found]),
        steps=np.concatenate([one["steps"] for one in found if len(one["steps"])] or [np.ones((0, 0))]),
        accounts={policy: joined([account(one, policy) for one in found]) for policy in work.trial.policies},
    )


def _kept(parts: Parts, task: Task) -> Arrays:
    found = read(parts, _name(task))
    if found is None:
        raise ResumableError(f"{parts.place(_name(task))}: was removed or damaged; run the same command again")
    return found


def _name(task: Task) -> str:
    return f"{task[0]:04d}-{task[1]:06d}"
