"""A run comes to the same whoever works, however often it was cut off, and whatever was damaged on the way."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing import get_context

import numpy as np
import pytest

from engine.errors import InputError, ResumableError
from engine.stress.history import Past
from engine.stress.parts import fingerprint, removed
from engine.stress.rolling import planner
from engine.stress.run import Hands, Work, hash_of, run
from engine.stress.sets import Case
from engine.stress.trial import Start, Trial
from tests.stress.scenes import asked, curves, set_up

SHOCKS = """
budget = { total = 90_000 }
[[shocks]]
name = "dear"
kind = "price"
factor = { low = 0.9, mode = 1.2, high = 1.6 }
from = 2027-03-01
chance = 0.7
[[shocks]]
name = "cut"
kind = "budget"
factor = 0.7
from = 2027-06-14
chance = 0.5
"""
ALONE = Hands()


@pytest.fixture(scope="module")
def work():
    """Two cases on 21 paths of 4 draws: five whole turns in three pieces, and one path more."""
    scenario = asked(SHOCKS)
    told, plan = set_up(curves(), scenario)
    trial = Trial(Start(told, planner(told, plan.cells)), None, ("hold", "trim", "replan"), 0.05, 7)
    cases = (Case("all", "montecarlo", scenario.shocks), Case("none", "none", ()))
    return Work(trial, cases, 21, together=8)


@pytest.fixture(scope="module")
def known(work, tmp_path_factory):
    """What one worker comes to in one go."""
    return run(work, tmp_path_factory.mktemp("known"), ALONE)[0]


@pytest.fixture(scope="module")
def quick(work):
    """The same, and the plan is only held."""
    return replace(work, trial=replace(work.trial, policies=("hold",)))


@pytest.fixture(scope="module")
def soon(quick, tmp_path_factory):
    """What one worker comes to with it."""
    return run(quick, tmp_path_factory.mktemp("soon"), ALONE)[0]


def heard(work, place, **more):
    """What a run comes to, and how far it was each time that it told."""
    told = []
    found, _ = run(work, place, ALONE, lambda done, every: told.append((done, every)), **more)
    return found, told


def test_the_paths_of_a_case_stand_in_order_each_with_its_draw(known):
    for one in known:
        assert one.number.tolist() == list(range(21))
        assert one.draw.tolist() == [0, 1, 2, 3] * 5 + [0]
        assert all(len(values) == 21 for account in one.accounts.values() for values in vars(account).values())
    assert known[0].factors.shape == (21, 2)
    assert known[1].factors.shape == (21, 0)


def test_without_shocks_the_plan_comes_true_whoever_carries_it_out(work, known):
    setting = work.trial.setting
    hold = known[1].accounts["hold"]
    assert np.allclose(hold.spend, np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0))
    for policy in ("trim", "replan"):
        other = known[1].accounts[policy]
        assert np.allclose(other.spend.sum(axis=(1, 2)), setting.money.sum())
    assert np.allclose(known[1].accounts["trim"].outcome, hold.outcome)
    by_draw = hold.outcome.sum(axis=1)
    assert np.allclose(by_draw[4:8], by_draw[:4])


def test_each_path_is_that_of_a_run_of_its_own(work, known, tmp_path):
    alone, _ = run(replace(work, together=100), tmp_path, ALONE)
    for one, other in zip(known, alone, strict=True):
        assert np.array_equal(one.factors, other.factors, equal_nan=True)
        for policy, account in one.accounts.items():
            some = slice(None, 20) if policy != "hold" else slice(None)  # the last path has a draw alone beside it
            for name in ("outcome", "spend"):
                assert np.allclose(getattr(account, name)[some], getattr(other.accounts[policy], name)[some], rtol=1e-6)


@pytest.mark.parametrize(
    "hands",
    [
        lambda: Hands(2),
        lambda: Hands(executor=ThreadPoolExecutor(3)),
        lambda: Hands(executor=ProcessPoolExecutor(1, get_context("spawn"))),
    ],
    ids=["two processes", "threads handed in", "processes handed in"],
)
def test_the_answer_is_the_same_whoever_works(work, known, tmp_path, hands):
    who = hands()
    found, _ = run(work, tmp_path, who)
    assert hash_of(found) == hash_of(known)
    if who.executor:
        who.executor.shutdown()


@pytest.mark.parametrize("after", [1, 5])
def test_a_run_that_was_interrupted_goes_on_from_what_was_done(work, known, tmp_path, after):
    def stop(done, _every):
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(ResumableError, match=r"interrupted, resumable: run the same command again"):
        run(work, tmp_path, ALONE, stop)
    found, told = heard(work, tmp_path)
    assert hash_of(found) == hash_of(known)
    assert told == [(done, 8) for done in range(after, 9)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:],
        lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
        lambda raw: raw + b"\0",
    ],
    ids=["cut off", "empty", "a bit of the content", "a bit of the digest", "longer"],
)
def test_a_damaged_part_is_computed_again(quick, soon, tmp_path, damage):
    _, parts = run(quick, tmp_path, ALONE)
    place = sorted(parts.folder.glob("*.bin"))[3]
    place.write_bytes(damage(place.read_bytes()))
    found, told = heard(quick, tmp_path)
    assert hash_of(found) == hash_of(soon)
    assert told == [(7, 8), (8, 8)]


def test_a_part_in_the_place_of_another_is_computed_again(quick, soon, tmp_path):
    _, parts = run(quick, tmp_path, ALONE)
    first, *others = sorted(parts.folder.glob("*.bin"))
    for place in others:
        place.write_bytes(first.read_bytes())
    found, told = heard(quick, tmp_path)
    assert hash_of(found) == hash_of(soon)
    assert told[0] == (1, 8)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("seed", lambda work: replace(work, trial=replace(work.trial, seed=8))),
        ("policies", lambda work: replace(work, trial=replace(work.trial, policies=("trim",)))),
        ("paths", lambda work: replace(work, count=22)),
        ("set of shocks", lambda work: replace(work, cases=work.cases[:1])),
        ("scenario", lambda work: replace(work, trial=replace(work.trial, band=0.06))),
        ("version", lambda work: replace(work, together=4)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_parts_of_another_question_are_refused_by_what_differs_and_removed_where_that_is_asked_for(
    quick, tmp_path, name, change
):
    run(quick, tmp_path, ALONE)
    other = change(quick)
    with pytest.raises(InputError, match=rf"begun of a stress test with other {name}; choose another --out, or add"):
        run(other, tmp_path, ALONE)
    _, told = heard(other, tmp_path, anew=True)
    assert told[0][0] == 0


def test_where_all_parts_are_there_none_is_computed_even_if_one_may_start_anew(quick, soon, tmp_path):
    run(quick, tmp_path, ALONE)
    found, told = heard(quick, tmp_path, anew=True)
    assert (told, hash_of(found)) == ([(8, 8)], hash_of(soon))


def test_parts_that_nobody_knows_what_they_are_about_are_refused_and_removed_where_that_is_asked_for(quick, tmp_path):
    _, parts = run(quick, tmp_path, ALONE)
    parts.index.write_text("{")
    with pytest.raises(InputError, match=r"parts.json: is damaged, so .*; remove the folder"):
        run(quick, tmp_path, ALONE)
    _, told = heard(quick, tmp_path, anew=True)
    assert told[0][0] == 0


def test_parts_are_removed_with_their_folder_and_nothing_else(quick, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mine.txt").write_text("mine")
    _, parts = run(quick, tmp_path, ALONE)
    removed(parts)
    assert [place.name for place in parts.folder.iterdir()] == ["mine.txt"]
    (parts.folder / "mine.txt").unlink()
    _, parts = run(quick, tmp_path, ALONE)
    removed(parts)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_of_its_own_has_a_hash_of_its_own(quick, soon, tmp_path):
    found, _ = run(replace(quick, trial=replace(quick.trial, seed=8)), tmp_path, ALONE)
    assert hash_of(found) != hash_of(soon)


def test_what_history_will_bring_is_not_known_before(work, tmp_path):
    days = tuple(date(2025, 1, 6) + timedelta(weeks=week) for week in range(104))
    demand = np.random.default_rng(1).uniform(0.5, 1.5, 104)
    past = Past("week", days, demand / demand.mean(), {}, ())
    (found,), _ = run(replace(work, cases=(Case("past", "replay", ()),), past=past), tmp_path, ALONE)
    setting = work.trial.setting
    planned = np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0)
    hold, anew = found.accounts["hold"], found.accounts["replan"]
    assert np.allclose(hold.spend, planned)
    assert np.allclose(anew.spend[:, 0], planned[0])
    assert np.ptp(hold.outcome.sum(axis=1)[found.draw == 0]) > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1.0,), (1,)),
        (("a", "b"), ("ab",)),
        ((("a",), "b"), ("a", ("b",))),
        ((np.zeros(2),), (np.zeros((2, 1)),)),
        ((np.zeros(2),), (np.zeros(2, np.float32),)),
        ((None,), ("None",)),
        (({"a": 1},), ({"a": 2},)),
    ],
)
def test_what_differs_has_another_fingerprint(one, other):
    assert fingerprint(*one) != fingerprint(*other)


def test_the_order_of_a_mapping_does_not_count():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
