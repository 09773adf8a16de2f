"""The entry point: from its first line on Ctrl-C and SIGTERM have an answer, before anything slow is loaded."""

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

STOPPED = "peso: stopped; no file was left half-written"
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}  # who started it may say otherwise
BY_SIGNAL = 128  # exit code, plus the number of the signal, as shells tell it


def run() -> None:
    """Run the command line and leave with the exit code that README.md lists."""
    watched = tuple(number for number, usual in USUAL.items() if signal.getsignal(number) == usual)
    for number in watched:
        signal.signal(number, _stop)
    from engine.cli.verbs import answer

    answer(STOPPED, watched)


def _stop(number: int, _frame: object) -> NoReturn:
    """Leave while libraries are being loaded: nothing was begun, so nothing is to be undone."""
    if sys.stderr is not None:
        with suppress(OSError):  # it is full, or nobody reads it
            sys.stderr.write(f"{STOPPED}\n")
            sys.stderr.flush()
    os._exit(BY_SIGNAL + number)
