"""Ctrl-C and SIGTERM, which wait where an exception does harm: in a library that is half loaded, which may crash upon
it, and in a callback of the garbage collector, where it is lost."""

import _thread
import gc
import signal
import time
from types import FrameType
from typing import NoReturn

LOADER = "<frozen importlib._bootstrap"  # how the files of Python's own loader are called
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
    while frame is not None:
        if frame.f_code.co_filename.startswith(LOADER) or frame.f_code in collecting:
            return True
        frame = frame.f_back
    return False


def _ask_again(number: int) -> None:
    time.sleep(AGAIN)
    _thread.interrupt_main(signal.Signals(number))
