"""Reading is limited and strict, writing is whole or not at all."""

import contextlib
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import files
from engine.errors import InputError, StorageError
from engine.files import (
    digest,
    read_bytes,
    read_json,
    require_free,
    require_not_among,
    tame,
    to_json,
    whole_folder,
    write_csv,
    write_json,
    write_text,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), plain, max_size=5))
def test_json_comes_back_as_it_was(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "some.json"
    write_json(path, content)
    assert read_json(path) == content


def test_rows_of_numbers_stay_on_one_line():
    assert to_json({"rows": [[1, 2], [3, 4]], "one": {"two": {"three": []}}}).splitlines() == [
        "{",
        '  "rows": [[1, 2], [3, 4]],',
        '  "one": {',
        '    "two": {',
        '      "three": []',
        "    }",
        "  }",
        "}",
    ]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_hold_is_never_written(tmp_path, number):
    path = tmp_path / "some.json"
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": [number]})
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "nan": ('{"a": NaN}', "NaN is not a number"),
    "infinity": ('{"a": Infinity}', "Infinity is not a number"),
    "twins": ('{"a": 1, "a": 2}', "'a' stands twice"),
    "inner twins": ('{"b": {"a": 1, "a": 2}}', "'a' stands twice"),
    "no end": ('{"a": 1', "line 1 is not JSON"),
    "nested": ("[" * 50 + "]" * 50, "nested deeper than 40"),
    "nested without end": ("[" * 100_000, "nested too deep"),
    "half a letter": ('{"a": ["\\ud800"]}', "half a letter"),
    "digits without end": ("[" + "9" * 5000 + "]", "digits"),
}


def test_a_letter_written_in_two_halves_is_read(tmp_path):
    path = tmp_path / "some.json"
    path.write_text(r'{"a": "\ud83d\ude00"}')
    assert read_json(path) == {"a": "\U0001f600"}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_json_that_is_not_strict_is_refused_with_its_place(tmp_path, text, words):
    path = tmp_path / "some.json"
    path.write_text(text)
    with pytest.raises(InputError) as fault:
        read_json(path)
    assert str(fault.value).startswith(f"{path}: ")
    assert words in str(fault.value)


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(bytes(1000))
    with pytest.raises(InputError, match=r"above the limit"):
        read_bytes(path, largest=999)
    assert read_bytes(path, largest=1000) == bytes(1000)


def test_a_missing_file_brings_up_the_nearest_name(tmp_path):
    (tmp_path / "scenario.toml").touch()
    with pytest.raises(InputError, match=r"no such file.*is it 'scenario.toml'\?"):
        read_bytes(tmp_path / "scenaro.toml")
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        read_bytes(tmp_path / "nowhere" / "scenario.toml")
    with pytest.raises(InputError, match="is a folder"):
        read_bytes(tmp_path)


def test_a_file_that_the_system_will_not_read_is_a_storage_fault(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(StorageError, match="could not be read"):
        read_bytes(loop)


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "plan.json", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_write_makes_the_folders_it_needs_and_replaces_whole_files(tmp_path):
    path = tmp_path / "a" / "b" / "plan.json"
    write_text(path, "first and long")
    write_text(path, "second\n")
    assert path.read_bytes() == b"second\n"
    assert stat.S_ISREG(path.stat().st_mode)


def test_a_folder_that_cannot_be_made_is_a_storage_fault(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(StorageError, match="could not be written"):
        write_text(tmp_path / "taken" / "plan.json", "")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_tamed(tmp_path, text):
    assert tame(text) == "'" + text
    write_csv(tmp_path / "some.csv", [text, "b"], [[text, -1.5]])
    lines = (tmp_path / "some.csv").read_bytes().decode()
    assert lines.count("'" + text) == 2
    assert ",-1.5\n" in lines  # numbers stay numbers


def test_the_digest_is_that_of_the_bytes():
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_nothing_is_replaced_unasked(tmp_path):
    held = tmp_path / "held.json"
    held.touch()
    with pytest.raises(InputError, match="--force"):
        require_free(held, force=False)
    with pytest.raises(InputError, match="--force"):
        require_free(tmp_path, force=False)
    require_free(held, force=True)
    require_free(tmp_path / "new.json", force=False)
    (tmp_path / "empty").mkdir()
    require_free(tmp_path / "empty", force=False)


def test_no_force_makes_a_folder_of_a_file_or_a_file_of_a_folder(tmp_path):
    (tmp_path / "held").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a file, a folder is needed; choose another name"):
        require_free(tmp_path / "held", force=True, form="folder", named="name")
    with pytest.raises(InputError, match="is a folder, a file is needed"):
        require_free(tmp_path / "empty", force=True, form="file")
    require_free(tmp_path / "held", force=True, form="file")
    require_free(tmp_path / "empty", force=False, form="folder")


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    """A link to nothing, a folder inside a file, a link in a circle; a link to a folder is as good as the folder."""
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place in ("file/fit", "file/deep/fit", "broken", "circle"):
        with pytest.raises(StorageError, match=r"cannot be written .*; choose another --out"):
            require_free(tmp_path / place, force=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for place in ("link", "folder", "file", "new/deep/fit"):
        require_free(tmp_path / place, force=True)


def test_a_pipe_stays_a_pipe_even_by_force(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match=r"pipe: .*it is a device, a pipe or a socket.*; choose another --out"):
        require_free(tmp_path / "pipe", force=True)


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(InputError, match=r"'fit\\x00' *: no file can have such a name"):
        read_bytes(Path("fit\x00"))


def test_a_folder_is_replaced_whole_or_not_at_all_through_a_link_too(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "fit").symlink_to(tmp_path / "real")
    names = ("a.json", "b.json")
    for text in ("old", "new"):
        with whole_folder(tmp_path / "fit", names) as place:
            for name in names:
                write_text(place / name, text)
    assert [(tmp_path / "real" / name).read_text() for name in names] == ["new", "new"]

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError) as fault, whole_folder(tmp_path / "fit", names) as place:
        write_text(place / "a.json", "half")
        monkeypatch.setattr(os, "fsync", full)
        write_text(place / "b.json", "half")
    assert str(fault.value).startswith(f"{tmp_path / 'fit' / 'b.json'}: could not be written (No space")
    assert [(tmp_path / "real" / name).read_text() for name in names] == ["new", "new"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["fit", "real"] and (tmp_path / "fit").is_symlink()


@pytest.mark.parametrize("stopped_at", range(5))
def test_a_sealed_folder_that_is_killed_half_way_is_of_one_run_or_has_no_seal(tmp_path, monkeypatch, stopped_at):
    names, replace, done = ("a.json", "b.json", "seal.json"), os.replace, list[str]()
    for run in ("old", "new"):
        if run == "new":
            monkeypatch.setattr(os, "replace", lambda *ends: _killed(done, stopped_at) or replace(*ends))
        with contextlib.suppress(KeyboardInterrupt), whole_folder(tmp_path / "fit", names, "seal.json") as place:
            for name in names:
                (place / name).write_text(run)
    there = {name: (tmp_path / "fit" / name).read_text() for name in os.listdir(tmp_path / "fit")}
    assert "seal.json" not in there or (len(set(there.values())) == 1 and len(there) == 3)
    assert (there.get("seal.json") == "new") == (stopped_at >= 3)


def _killed(done, stopped_at):
    if len(done) == stopped_at:
        raise KeyboardInterrupt
    done.append("one more")


def test_a_new_folder_appears_at_once(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "replace", lambda *ends: seen.append((tmp_path / "fit").exists()) or os.rename(*ends))
    with whole_folder(tmp_path / "fit", ("a.json", "b.json")) as place:
        (place / "a.json").write_text("1")
        (place / "b.json").write_text("2")
    assert seen == [False] and sorted(os.listdir(tmp_path / "fit")) == ["a.json", "b.json"]


def test_an_input_is_not_replaced_whatever_its_path_is_called(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "curves.json").write_text("mine")
    for place in (tmp_path / "in" / ".." / "curves.json", tmp_path / "curves.json"):
        with pytest.raises(InputError, match="must not replace"):
            require_free(place, True, tmp_path / "curves.json", form="file")
        with pytest.raises(InputError, match="must not replace"):
            require_not_among(place.parent, ["plan.json", place.name], tmp_path / "curves.json")


def test_the_limits_are_what_the_messages_say():
    assert files.LARGEST == 512 * 1024 * 1024
    assert json.loads(to_json({})) == {}


def test_a_device_that_never_ends_is_not_read():
    with pytest.raises(InputError, match="may never end"):
        read_bytes(Path("/dev/zero"))
