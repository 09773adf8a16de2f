"""`peso calibrate`: options that say nothing together, beliefs without a fit, and a search that is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.study.histories import MODEL, write_history, write_model

COMMAND = Path(sys.executable).with_name("peso")
ONE_FAMILY = MODEL + '[curves]\nsaturation = "hill"\nadstock = "geometric"\n[baseline]\ntrend = "linear"\n'


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A table, its model, and a model that leaves only the season to a search."""
    place = tmp_path_factory.mktemp("history")
    write_history(place, "sales.csv", 60)
    write_model(place, "model.toml")
    write_model(place, "narrow.toml", text=ONE_FAMILY)
    return place


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Missing option '--out'"),
        (("--prior-only", "--speed", "nuts"), "--prior-only fits nothing"),
        (("--out", "fit", "--trials", "3"), "--trials is for --speed search"),
        (("--prior-only", "--by-geo"), "--by-geo is for a fit"),
    ],
)
def test_options_that_say_nothing_together_are_wrong_usage(peso, history, options, words):
    done = peso("calibrate", "sales.csv", *options, cwd=history)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_curves_by_geo_of_one_geo_are_refused_before_anything_is_fitted(peso, history, tmp_path):
    done = peso("calibrate", "sales.csv", "--by-geo", "--out", tmp_path / "fit", cwd=history)
    assert done.returncode == 3 and "--by-geo needs rows by geo" in done.stderr
    assert not (tmp_path / "fit").exists()


def test_beliefs_are_told_and_nothing_is_written(peso, history):
    before = sorted(os.listdir(history))
    done = peso("calibrate", "sales.csv", "--prior-only", "--draws", 60, cwd=history)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Before the data") and "blog" in done.stdout
    assert sorted(os.listdir(history)) == before


def test_beliefs_are_written_where_asked(peso, history, tmp_path):
    done = peso("calibrate", "sales.csv", "--prior-only", "--draws", 60, "--json", "--out", tmp_path / "p", cwd=history)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path / "p") == ["prior.json"]
    assert json.loads(done.stdout) == json.loads((tmp_path / "p" / "prior.json").read_text())


def search(history, *more):
    asked = ("calibrate", "sales.csv", "--model", "narrow.toml", "--speed", "search", "--draws", "60", "--json")
    return [str(COMMAND), *asked, *map(str, more)]


@pytest.fixture(scope="module")
def interrupted(history):
    """A search of very many trials that Ctrl-C ends once two are kept, as (exit code, message, its file)."""
    run = subprocess.Popen(
        search(history, "--out", "found", "--trials", 5000),
        cwd=history,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kept, patience = history / "found" / "search.json", time.monotonic() + 200
    while time.monotonic() < patience and run.poll() is None:
        if kept.exists() and len(json.loads(kept.read_text())["trials"]) >= 2:
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=100)
    return run.returncode, out + err, json.loads(kept.read_text())


def test_ctrl_c_leaves_a_search_that_can_be_taken_up_again(interrupted, history):
    code, said, kept = interrupted
    assert code == 7
    assert "interrupted, resumable: run the same command again" in said and "Traceback" not in said
    assert kept["schema"] == "peso.search/1" and len(kept["trials"]) >= 2
    assert os.listdir(history / "found") == ["search.json"]


def test_the_second_run_goes_on_and_says_which_structure_won(interrupted, peso, history):
    trials = len(interrupted[2]["trials"])
    done = peso(*search(history, "--out", "found", "--trials", trials + 2)[1:], cwd=history)
    assert done.returncode == 0, done.stderr
    kept = json.loads((history / "found" / "search.json").read_text())["trials"]
    assert kept[:trials] == interrupted[2]["trials"] and len(kept) == trials + 2
    told = json.loads(done.stdout)["settings"]
    best = min(kept, key=lambda trial: trial["score"])
    assert told["score"] == best["score"] and f"{best['season']} wave" in told["structure"]
    assert told["default_score"] == kept[0]["score"] and told["speed"] == "search" and told["trials"] == trials + 2
    assert told["saturation"] == "hill"


def test_a_search_upon_other_data_is_refused(interrupted, peso, history):
    asked = search(history, "--out", "found", "--trials", 2, "--force", "--seed", 1)
    done = peso(*asked[1:], cwd=history)
    assert done.returncode == 3 and "is a search upon other seed" in done.stderr
    write_history(history, "other.csv", 59)
    asked = ["other.csv" if word == "sales.csv" else word for word in search(history, "--out", "found", "--force")]
    done = peso(*asked[1:], cwd=history)
    assert done.returncode == 3 and "is a search upon other data" in done.stderr


def test_a_file_that_is_no_search_is_refused(peso, history, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "search.json").write_text('{"schema": "peso.search/1"}')
    done = peso("calibrate", "sales.csv", "--speed", "search", "--out", tmp_path / "odd", cwd=history)
    assert done.returncode == 3 and "is missing; remove the file to search anew" in done.stderr


def test_a_search_whose_families_were_edited_by_hand_is_refused(interrupted, peso, history, tmp_path):
    kept = json.loads(json.dumps(interrupted[2]))
    kept["trials"][0]["saturation"] = "\x1b[31mhill"
    (tmp_path / "search.json").write_text(json.dumps(kept))
    done = peso(*search(history, "--out", tmp_path)[1:], cwd=history)
    assert done.returncode == 3 and "is no family of curves; remove the file to search anew" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_search_killed_while_it_wrote_is_taken_up_again(interrupted, peso, history, tmp_path):
    """What a kill leaves beside search.json, the unfinished next one, is no reason to refuse."""
    (tmp_path / "search.json").write_text(json.dumps({**interrupted[2], "trials": interrupted[2]["trials"][:2]}))
    (tmp_path / ".search.json.0a1b2c3d.part").write_text('{"schema": "peso')
    asked = search(history, "--out", tmp_path, "--trials", 2)
    done = peso(*asked[1:], cwd=history)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "curves.json").exists()


@pytest.mark.parametrize("place", ["model.toml/fit", "nowhere", "sales.csv"])
def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(peso, history, place):
    """A fit takes minutes; its place is looked at before the data are."""
    link = history / "nowhere"
    if not link.is_symlink():
        link.symlink_to(history / "gone")
    done = peso("calibrate", "missing.csv", "--model", "model.toml", "--out", place, cwd=history)
    assert done.returncode in (3, 8) and "choose another --out" in done.stderr and "missing" not in done.stderr


def test_the_history_is_never_replaced_by_its_fit(peso, history, tmp_path):
    table = tmp_path / "contributions.csv"
    table.write_bytes((history / "sales.csv").read_bytes())
    done = peso("calibrate", table, "--model", history / "model.toml", "--out", tmp_path, "--force")
    assert done.returncode == 3 and "is an input of this question" in done.stderr
    assert table.read_bytes() == (history / "sales.csv").read_bytes()
