"""Side by side: one piece of work for each channel, on all cores; numpy leaves the interpreter while it counts."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

MOST = 8  # threads: more only wait for memory
FEW = 4  # pieces of work from which on threads are used

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What the work makes of every item, in their order, whatever the number of cores.

    >>> each(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    held = list(items)
    if len(held) < FEW or _cores() == 1:
        return [work(item) for item in held]
    return list(_pool().map(work, held))


def _cores() -> int:
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), thread_name_prefix="channels")
