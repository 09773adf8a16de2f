"""Ctrl-C and SIGTERM: told at once, but neither within a library that is being loaded nor where they would be lost."""

import contextlib
import gc
import importlib
import signal
import sys
import time

import pytest

from engine.cli.stopping import Ended, stop_when_loaded


@pytest.fixture(params=[(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Ended)], ids=["int", "term"])
def asked(request):
    """A signal that the command answers, and what it raises."""
    number, raised = request.param
    usual = signal.signal(number, stop_when_loaded)
    yield number, raised
    signal.signal(number, usual)


def wait():
    """Work until somebody asks to stop."""
    for _ in range(1000):
        time.sleep(0.01)


def test_a_signal_is_told_at_once(asked):
    number, raised = asked
    with pytest.raises(raised) as caught:
        signal.raise_signal(number)
    assert caught.type is raised


@pytest.mark.parametrize(("folder", "is_whole"), [("jaxlib", True), ("others", False)])
def test_a_library_that_crashes_when_it_is_broken_off_is_loaded_to_its_end_first(
    asked, tmp_path, monkeypatch, folder, is_whole
):
    number, raised = asked
    name = f"loaded_{int(number)}"
    (tmp_path / folder).mkdir()
    told = f"import signal\nsignal.raise_signal({int(number)})\nwhole = True\n"
    (tmp_path / folder / f"{name}.py").write_text(told)
    monkeypatch.syspath_prepend(tmp_path / folder)
    with pytest.raises(raised):
        wait_for(name)
    assert hasattr(sys.modules.pop(name, None), "whole") == is_whole


def wait_for(name):
    """Load a library, then work."""
    importlib.import_module(name)
    wait()


def test_a_callback_of_the_garbage_collector_does_not_lose_it(asked):
    number, raised = asked
    heard = []

    def callback(phase, _told):
        if phase == "start" and not heard:
            heard.append(phase)
            signal.raise_signal(number)

    gc.callbacks.append(callback)
    try:
        with pytest.raises(raised):
            collect()
    finally:
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(callback)
    assert heard


def collect():
    """Collect garbage, then work."""
    gc.collect()
    wait()
