"""The command line of a stress test: one answer whatever ends it, one document, sentences for what is wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.cli.stress import clocked
from engine.errors import ResumableError
from engine.stress.parts import opened
from engine.stress.run import Hands, resumable, run
from engine.study.stress import Asked, prepared

COMMAND = Path(sys.executable).with_name("peso")
FILES = ["paths.csv", "paths.npz", "stress.json", "stress.xlsx"]
YEAR = 'name = "Next year"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\n'
SHOCKS = """budget = { total = 3000 }
[[shocks]]
name = "=dear"
kind = "price"
channels = ["tv"]
factor = { low = 0.9, mode = 1.2, high = 1.6 }
from = 2027-03-01
[[shocks]]
name = "cut"
kind = "budget"
factor = 0.7
from = 2027-06-28
chance = 0.5
"""


@pytest.fixture
def asked(folder):
    """Curves, and a year with shocks."""
    (folder / "s.toml").write_text(YEAR + SHOCKS)
    return folder


def words(*more, out="out", scenario="s.toml"):
    return ["stress", scenario, "--fit", "curves.json", "--out", out, *more]


INTERRUPT = """
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "engine.stress.run":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""
ENDED = """
import os, sys

if "--multiprocessing-fork" in sys.orig_argv:
    os._exit(9)
"""
ALIKE = ("--paths", "2500", "--policy", "hold,replan")
MANY = words(*ALIKE, "--workers", "2")


@pytest.fixture(scope="module")
def undisturbed():
    """The hash that a run without disturbance has, once it is known."""
    return {}


def finished(peso, asked, undisturbed):
    """The hash of the folder `out`, and the one that a run in one go has."""
    if not undisturbed:
        undisturbed["hash"] = json.loads(peso(*words(*ALIKE, "--json", out="once"), cwd=asked).stdout)["hash"]
    return json.loads((asked / "out" / "stress.json").read_text())["hash"], undisturbed["hash"]


def begun(asked, parts):
    """A run of its own session that has kept so many parts."""
    run = subprocess.Popen(
        [str(COMMAND), *MANY], cwd=asked, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while run.poll() is None and len(list((asked / "out").glob("parts/*.bin"))) < parts:
        time.sleep(0.002)
    return run


def is_left(session):
    """Whether any process of a session still runs."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def test_killed_at_any_moment_it_goes_on_to_the_same_hash_and_no_worker_is_left(peso, asked, undisturbed):
    rng = np.random.default_rng()
    for parts in (0, 2):
        run = begun(asked, parts)
        time.sleep(float(rng.uniform(0, 0.3)))
        run.kill()
        run.communicate()
        for _ in range(1000):
            if not is_left(run.pid):
                break
            time.sleep(0.02)
        assert not is_left(run.pid)
    kept = len(list((asked / "out").glob("parts/*.bin")))
    done = peso(*MANY, *(["--force"] if (asked / "out" / "stress.json").exists() else []), cwd=asked)
    assert (done.returncode, kept >= 2) == (0, True), done.stderr
    assert sorted(os.listdir(asked / "out")) == FILES
    one, other = finished(peso, asked, undisturbed)
    assert one == other


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_keeps_what_is_done_and_says_how_to_go_on(peso, asked, undisturbed, asking):
    run = begun(asked, 1)
    (os.killpg if asking == signal.SIGINT else os.kill)(run.pid, asking)  # Ctrl-C reaches the workers, too
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (7, b"")
    assert err.decode() == "peso: out: interrupted, resumable: run the same command again\n"
    assert not (asked / "out" / "stress.json").exists()
    done = peso(*words(*ALIKE, "--workers", "1"), cwd=asked)
    assert done.returncode == 0, done.stderr
    one, other = finished(peso, asked, undisturbed)
    assert one == other


def test_ctrl_c_while_the_answer_is_put_together_keeps_what_was_played(peso, asked):
    ready = prepared(Asked(asked / "s.toml", asked / "curves.json", policies=("hold",), paths=8))
    run(ready.work, asked / "out", Hands())
    with pytest.raises(ResumableError, match=r"interrupted, resumable: run the same command"), resumable(asked):
        raise KeyboardInterrupt
    assert peso(*words("--paths", "8", "--policy", "hold"), cwd=asked).returncode == 0
    assert sorted(os.listdir(asked / "out")) == FILES


def test_a_second_run_in_one_folder_refuses_while_the_first_works_there(peso, asked):
    run = begun(asked, 1)
    again = peso(*MANY, "--force", cwd=asked)
    assert (again.returncode, again.stdout) == (3, "")
    assert again.stderr.startswith(f"peso: out: another stress test, process {run.pid}, works there; wait until ")
    assert run.wait(timeout=60) == 0, run.communicate()
    assert sorted(os.listdir(asked / "out")) == FILES


PROCESSES = ("ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args=")


def workers_of(run):
    """The processes that work for a run."""
    every = subprocess.run(PROCESSES, capture_output=True, text=True).stdout
    found = [row.split(None, 2) for row in every.splitlines()]
    return [int(pid) for pid, parent, told in found if int(parent) == run.pid and "spawn_main" in told]


def test_a_worker_that_is_ended_from_outside_ends_the_run_with_what_to_do(asked):
    run = begun(asked, 1)
    os.kill(workers_of(run)[0], signal.SIGKILL)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (7, b"")
    assert "out: a worker was ended from outside, most often for want of memory" in err.decode()
    assert list((asked / "out").glob("parts/*.bin")) != []


def test_workers_that_end_as_they_begin_end_the_run_too(asked):
    told = json.loads((asked / "curves.json").read_text())
    for channel in told["channels"]:  # more than a pipe holds
        for family in (channel["adstock"], channel["saturation"]):
            family |= {name: (20 * values)[:20] * 60 for name, values in family.items() if isinstance(values, list)}
    (asked / "curves.json").write_text(json.dumps(told))
    (asked / "path").mkdir()
    (asked / "path" / "sitecustomize.py").write_text(ENDED)
    done = subprocess.run(
        [str(COMMAND), *words("--paths", "20000", "--policy", "hold", "--workers", "2")],
        cwd=asked,
        env={**os.environ, "PYTHONPATH": str(asked / "path")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (7, "")
    assert "out: a worker was ended from outside" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_before_anything_is_begun_leaves_nothing(asked):
    (asked / "path").mkdir()
    (asked / "path" / "sitecustomize.py").write_text(INTERRUPT)
    done = subprocess.run(
        [str(COMMAND), *MANY],
        cwd=asked,
        env={**os.environ, "PYTHONPATH": str(asked / "path")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "peso: stopped; no file was left half-written"
    assert not (asked / "out").exists()


def test_the_answer_is_one_document_beside_all_paths(peso, asked):
    done = peso(*words("--paths", "30", "--policy", "trim,hold", "--policy", "reserve", "--json"), cwd=asked)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads((asked / "out" / "stress.json").read_text())
    assert (told["schema"], told["seed"], len(told["hash"])) == ("peso.stress/1", 2027, 64)
    assert done.stderr == "answer written to out (seed 2027)\n"
    rows = (asked / "out" / "paths.csv").read_text().splitlines()
    assert rows[0].startswith("case,path,draw,factor of =dear,factor of cut,hold outcome,hold spend,hold profit,")
    assert len(rows) == 31
    with np.load(asked / "out" / "paths.npz", allow_pickle=False) as arrays:
        assert arrays["0/hold/spend"].shape == (30, 4, 3)
        assert arrays["0/shocks"].tolist() == ["=dear", "cut"]
        first = rows[1].split(",")
        assert float(first[5]) == pytest.approx(arrays["0/hold/outcome"][0].sum())
        assert {key.split("/")[1] for key in arrays if key.endswith("/spend")} == {"hold", "trim", "reserve"}


def test_a_world_is_told_beside_the_curves(peso, asked):
    told = json.loads((asked / "curves.json").read_text()) | {"currency": "EUR"}
    told["channels"] = [one for one in told["channels"] if one["name"] in ("tv", "search")]
    (asked / "curves.json").write_text(json.dumps(told))
    done = peso(*words("--paths", "4", "--policy", "hold", "--world", "online_retail", "--json"), cwd=asked)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["in_world"]
    assert (one["policy"], one["paths"], one["gain"]) == ("hold", 4, None)
    assert json.loads((asked / "out" / "stress.json").read_text())["in_world"] == [one]


def test_text_goes_out_and_what_is_beside_it_goes_to_standard_error(peso, asked):
    done = peso(*words("--paths", "30"), cwd=asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Next year")
    assert done.stderr == "answer written to out (seed 2027)\n"
    quiet = peso(*words("--paths", "30", "-q", out="other"), cwd=asked)
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")


def test_a_plan_that_decides_once_is_held_and_trimmed_and_that_is_told(peso, asked):
    (asked / "s.toml").write_text(YEAR.replace(', decide = "quarter"', "") + SHOCKS)
    done = peso(*words("--paths", "30", "--json"), cwd=asked)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["policy"] for one in told["cases"][0]["policies"]] == ["hold", "trim"]
    assert any("decides once" in warning for warning in told["warnings"])


@pytest.mark.parametrize(
    ("code", "more", "text", "said"),
    [
        (2, ["--policy", "hold,pray"], SHOCKS, r"'pray' is no policy; choose from hold, trim"),
        (2, ["--policy", "replans"], SHOCKS, r"'replans' is no policy; did you mean 'replan'\?"),
        (2, ["--set", "storm"], SHOCKS, r"'storm' is not one of"),
        (2, ["--world", ""], SHOCKS, r"'--world': an empty text names no file and no folder; write a name there"),
        (2, ["--out", ""], SHOCKS, r"'--out': an empty text names no file and no folder"),
        (2, ["--fit", ""], SHOCKS, r"'--fit': an empty text names no file and no folder"),
        (2, ["--set", ""], SHOCKS, r"'' is not one of 'scenario', 'ladder'"),
        (3, ["--world", "s.toml"], SHOCKS, r"s.toml, line \d+: horizon is not a known key"),
        (2, ["--data", "x.csv"], SHOCKS, r"--data goes with --set replay"),
        (2, ["--model", "x.toml"], SHOCKS, r"--model goes with --data"),
        (3, ["--set", "replay"], SHOCKS, r"--set replay needs the history"),
        (3, ["--world", "online_retail"], SHOCKS, r"the plan is in USD, the market Online retail in EUR"),
        (3, ["--world", "nowhere"], SHOCKS, r"nowhere: no such file, and no sample of that name"),
        (3, ["--set", "ladder", "--paths", "9"], SHOCKS, r"--paths goes with --set montecarlo and replay"),
        (3, ["--set", "scenario"], "budget = { total = 3000 }\n", r"has no shocks that its plan does not reckon with"),
        (3, [], SHOCKS.replace('["tv"]', '["serch"]'), r"names 'serch', which .* not have; did you mean 'search'\?"),
        (3, [], SHOCKS.replace("2027-03-01", "2029-03-01"), r"shock '=dear' \(from 2029-03-01\) lies outside"),
        (3, [], SHOCKS + "[stress.correlation]\ncut = { rain = 0.5 }\n", r"names 'rain', which drives no shock"),
        (3, [], SHOCKS + "[stress.notice]\nserch = 4\n", r"stress.notice names 'serch', .*did you mean 'search'\?"),
        (
            4,
            [],
            SHOCKS.replace("chance = 0.5\n", "").replace("0.7", "0.2")
            + "[channels.tv]\ncommitted = [100, 100, 400, 400]\n",
            r"USD [\d.]+ to tv is committed in the periods of 'cut', which leaves USD [\d.]+ of USD [\d.,]+ there; com",
        ),
        (
            4,
            ["--policy", "reserve"],
            SHOCKS + "[channels.tv]\nfloor = 2900\n",
            r"policy reserve holds 10.0 % of the money back, and the rest keeps no plan",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_written(peso, asked, code, more, text, said):
    (asked / "s.toml").write_text(YEAR + text)
    done = peso(*words(*more), cwd=asked)
    assert (done.returncode, done.stdout) == (code, "")
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (asked / "out").exists()


def test_a_world_that_is_none_is_seen_before_the_plan_is_made(peso, asked, monkeypatch):
    monkeypatch.setattr("engine.study.stress.optimize", None)
    done = peso(*words("--world", "nowhere"), cwd=asked)
    assert (done.returncode, done.stdout) == (3, "")
    assert "nowhere: no such file, and no sample of that name" in done.stderr


def test_money_that_a_target_finds_is_what_shocks_meet(peso, asked):
    (asked / "s.toml").write_text(YEAR + SHOCKS.replace("total = 3000", "target_outcome = 2500"))
    done = peso(*words("--paths", "8", "--policy", "hold,replan,reserve", "--json"), cwd=asked)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["planned"]["mean"] == pytest.approx(2500, rel=1e-3)


def test_a_folder_in_use_is_refused_and_replaced_by_force(peso, asked):
    short = words("--paths", "8", "--policy", "hold")
    assert peso(*short, cwd=asked).returncode == 0
    before = (asked / "out" / "stress.json").read_bytes()
    again = peso(*short, cwd=asked)
    assert again.returncode == 3
    assert "out: already exists; choose another --out, or add --force" in again.stderr
    forced = peso(*short, "--seed", "1", "--force", cwd=asked)
    assert forced.returncode == 0, forced.stderr
    assert (asked / "out" / "stress.json").read_bytes() != before
    assert sorted(os.listdir(asked / "out")) == FILES


def test_what_was_begun_of_another_question_is_refused_and_force_starts_anew(peso, asked):
    opened(asked / "out", {"seed": "1"}, anew=False)
    short = words("--paths", "8", "--policy", "hold")
    done = peso(*short, cwd=asked)
    assert done.returncode == 3
    assert "out: holds what was begun of a stress test with other curves, " in done.stderr
    assert "seed, version; choose another --out, or add --force to start anew" in done.stderr
    assert peso(*short, "--force", cwd=asked).returncode == 0
    assert sorted(os.listdir(asked / "out")) == FILES


def test_progress_tells_the_time_that_is_left_at_the_pace_so_far(monkeypatch):
    now, told = iter([100.0, 110.0, 130.0, 4000.0, 4100.0]), []
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    heard = clocked(told.append)
    for done in (3, 4, 5, 6, 8):
        heard(done, 8)
    assert told == [
        "3 of 8 parts",
        "4 of 8 parts, about 40 s left",
        "5 of 8 parts, about 45 s left",
        "6 of 8 parts, about 43 min left",
        "8 of 8 parts",
    ]


def test_an_input_is_never_replaced(peso, asked):
    (asked / "in").mkdir()
    (asked / "s.toml").rename(asked / "in" / "stress.json")
    done = peso(*words("--force", scenario="in/stress.json", out="in"), cwd=asked)
    assert done.returncode == 3
    assert "is an input of this question" in done.stderr
