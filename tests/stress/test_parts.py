"""A folder of parts is one process's alone as long as it lives, and says so; nothing but what was begun stays in it."""

import os
import signal
import subprocess
import sys

import pytest

from engine.errors import InputError, StorageError
from engine.stress.parts import alone, is_begun, opened, removed

HOLD = """
import sys, time
from pathlib import Path
from engine.stress.parts import alone
with alone(Path(sys.argv[1])):
    print("there", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that works in a folder."""
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True)
    assert held.stdout.readline() == "there\n"
    yield held
    held.kill()
    held.communicate()


def test_a_folder_in_which_another_process_works_is_refused_with_its_number(other, tmp_path):
    said = f"another stress test, process {other.pid}, works there; wait until it has ended, or choose another --out"
    with pytest.raises(InputError, match=said), alone(tmp_path / "out"):
        raise AssertionError
    assert (tmp_path / "out" / "parts" / "lock").read_text() == str(other.pid)
    with alone(tmp_path / "elsewhere"):
        assert is_begun(tmp_path / "elsewhere")


def test_what_a_process_held_that_was_killed_is_taken_over(other, tmp_path):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert is_begun(tmp_path / "out")  # so that the same command needs no --force
    with alone(tmp_path / "out"):
        assert (tmp_path / "out" / "parts" / "lock").read_text() == str(os.getpid())
    assert not (tmp_path / "out" / "parts").exists()


def test_folders_that_were_made_and_stay_empty_are_removed_and_others_stay(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(RuntimeError), alone(tmp_path / "mine" / "a" / "b"):
        raise RuntimeError
    assert list((tmp_path / "mine").iterdir()) == []
    with alone(tmp_path / "mine" / "a"):
        (tmp_path / "mine" / "a" / "answer").write_text("told")
    assert [one.name for one in (tmp_path / "mine" / "a").iterdir()] == ["answer"]


def test_parts_that_are_removed_leave_the_folder_to_who_holds_it(tmp_path):
    with alone(tmp_path):
        parts = opened(tmp_path, {"seed": "1"}, anew=False)
        removed(parts)
        with pytest.raises(InputError), alone(tmp_path):
            raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_a_lock_alone_is_no_leave_to_replace_what_stands_beside_it(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lock").write_text("1")
    assert is_begun(tmp_path)
    (tmp_path / "stress.json").write_text("{}")
    assert not is_begun(tmp_path)
    opened(tmp_path, {"seed": "1"}, anew=False)
    assert is_begun(tmp_path)


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"schema": "another/9", "made_from": {}}', "\xff"])
def test_damaged_parts_are_told_with_the_folder_to_remove(tmp_path, damaged):
    index = opened(tmp_path, {"seed": "1"}, anew=False).index
    index.write_bytes(damaged.encode("latin-1"))
    with pytest.raises(InputError) as told:
        opened(tmp_path, {"seed": "1"}, anew=False)
    said = f"is damaged, so nobody knows what the parts beside it are about; remove the folder {tmp_path / 'parts'}, or"
    assert said in str(told.value)
    assert opened(tmp_path, {"seed": "2"}, anew=True).index.exists()


def test_no_name_is_too_long_to_be_asked_about(tmp_path):
    place = tmp_path / ("a" * 300)
    assert not is_begun(place)
    with pytest.raises(StorageError, match="could not be written"), alone(place):
        raise AssertionError
