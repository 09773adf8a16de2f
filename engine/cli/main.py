"""The entry point: from its first line on Ctrl-C has an answer, and only then is anything loaded that takes time."""

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

STOPPED = "peso: stopped; no file was left half-written"


def run() -> None:
    """Run the command line and leave with the exit code that README.md lists."""
    watched = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else whoever started it said otherwise
    if watched:
        signal.signal(signal.SIGINT, _stop)
    from engine.cli.verbs import answer

    answer(STOPPED, watched)


def _stop(_number: int, _frame: object) -> NoReturn:
    """Leave while libraries are being loaded: nothing was begun, so nothing is to be undone."""
    if sys.stderr is not None:
        with suppress(OSError):  # it is full, or nobody reads it
            sys.stderr.write(f"{STOPPED}\n")
            sys.stderr.flush()
    os._exit(130)
