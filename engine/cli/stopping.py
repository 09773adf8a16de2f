"""Ctrl-C and SIGTERM, which wait where an exception does harm: while jax is loaded, whose native part may crash, and in
a callback of the garbage collector, where it is lost. Anywhere else they are heard at once."""

import _thread
import gc
import signal
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

LOADER = "<frozen importlib._bootstrap"  # how the files of Python's own loader are called
FRAGILE = {"jax", "jaxlib"}  # folders of what may crash when its loading is broken off
AGAIN = 0.02  # seconds after which it is seen whether it still must wait


class Ended(KeyboardInterrupt):
    """Somebody asked this process to end, as Ctrl-C does, by SIGTERM."""


def stop_when_loaded(number: int, frame: FrameType | None) -> None:
    """Raise what the signal asks for, now or as soon as an exception does what it should."""
    if _must_wait(frame):
        _thread.start_new_thread(_ask_again, (number,))
    else:
        _raise(number)


def _raise(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else Ended


def _must_wait(frame: FrameType | None) -> bool:
    collecting = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    is_loading, is_fragile = False, False
    while frame is not None:
        if frame.f_code in collecting:
            return True
        is_loading |= frame.f_code.co_filename.startswith(LOADER)
        is_fragile |= not FRAGILE.isdisjoint(Path(frame.f_code.co_filename).parts)
        frame = frame.f_back
    return is_loading and is_fragile


def _ask_again(number: int) -> None:
    time.sleep(AGAIN)
    _thread.interrupt_main(signal.Signals(number))
