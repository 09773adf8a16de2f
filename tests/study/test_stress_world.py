"""Policies in a simulated world: without shocks the plan earns there what its money earns there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import InputError
from engine.response.curves import Curves
from engine.response.curves_file import write_curves
from engine.stress.history import Past
from engine.stress.in_world import lived
from engine.stress.play import Paths
from engine.stress.readout import Spread
from engine.stress.sets import Case
from engine.study.stress import Asked, prepared
from engine.study.stress_world import opened, played_in, world_document, world_text
from tests.stress.scenes import weekly

PLAN = """name = "x"
horizon = { start = 2022-11-07, periods = 26, decide = "quarter", tail = 26 }
budget = { total = 300_000 }
[[shocks]]
name = "cut"
kind = "budget"
factor = 0.5
from = 2023-02-06
[[shocks]]
name = "reps leave"
kind = "capacity"
factor = 0.5
"""
MARKET = Path("online_retail")
PAST = Past("week", (), np.ones(0), {}, ())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Curves for two channels of a market that comes along, and a plan that begins 44 weeks after it."""
    folder, rng = tmp_path_factory.mktemp("plan"), np.random.default_rng(1)
    channels = tuple(weekly(rng, name, 0.8) for name in ("tv", "search"))
    write_curves(folder / "c.json", Curves("EUR", "revenue", "week", channels))
    (folder / "s.toml").write_text(PLAN)
    return folder


@pytest.fixture(scope="module")
def ready(place):
    return prepared(Asked(place / "s.toml", place / "c.json", "montecarlo", ("hold", "trim"), 8, seed=3))


@pytest.fixture(scope="module")
def world(ready):
    return opened(ready, MARKET)


@pytest.fixture(scope="module")
def calm(ready, world):
    """What both policies come to without shocks."""
    return played_in(replace(ready, work=replace(ready.work, cases=(Case("none", "none", ()),))), world, lambda _: None)


def test_without_shocks_the_plan_earns_in_the_world_what_its_money_earns_there(ready, world, calm):
    hold, trim = calm
    setting = ready.work.trial.setting
    own = lived(setting, world, [], Paths(np.arange(8), np.arange(1)), setting.money[None])
    assert hold.outcome.mean == pytest.approx(own.outcome.sum(axis=1).mean(), rel=1e-9)
    assert trim.outcome == hold.outcome
    assert hold.by_curves.mean == pytest.approx(ready.plan.chosen.outcome.mean, rel=1e-6)
    assert (hold.gain, trim.gain.mean) == (None, 0.0)


def test_a_cut_costs_in_the_world_too_and_what_it_cannot_feel_is_told(ready, world, calm):
    hold, trim = played_in(ready, world, lambda _: None)
    assert hold.paths == 8
    assert hold.outcome.mean < calm[0].outcome.mean
    text = world_text((hold, trim), ready, world)
    assert "all shocks by chance: trim" in text
    assert "nothing that reps leave could change" in text
    assert [one["policy"] for one in world_document((hold, trim))] == ["hold", "trim"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (2.0, 3.0, "The world lies below the 5 % point of what the curves say: none: hold EUR"),
        (0.1, 0.5, "The world lies above the 95 % point of what the curves say: none: hold EUR"),
        (0.5, 2.0, ""),
    ],
)
def test_a_world_beyond_what_the_curves_hold_likely_is_said_to_be(ready, world, calm, low, high, said):
    hold, mean = calm[0], calm[0].outcome.mean
    text = world_text((replace(hold, by_curves=Spread(mean, low * mean, mean, high * mean)),), ready, world)
    assert said in text
    assert ("The world lies" in text) == bool(said)


def test_a_plan_that_does_not_begin_with_a_week_of_the_market_is_refused(place):
    (place / "late.toml").write_text(PLAN.replace("2022-11-07", "2022-11-08"))
    late = prepared(Asked(place / "late.toml", place / "c.json", "montecarlo", ("hold",), 8))
    with pytest.raises(InputError, match="starts on 2022-11-08, which is no week after 2022-01-03"):
        opened(late, MARKET)


def test_gains_reckon_with_paths_that_share_the_luck_of_the_market(ready, world):
    """Played again on the same lucks, paths tell nothing new."""
    again = replace(ready, work=replace(ready.work, count=32))
    once, twice = (played_in(one, world, lambda _: None)[1] for one in (ready, again))
    assert (once.paths, once.lucks, twice.paths, twice.lucks) == (8, 8, 32, 8)
    assert twice.gain.mean == pytest.approx(once.gain.mean)
    assert twice.gain.high - twice.gain.low == pytest.approx(once.gain.high - once.gain.low)
    assert twice.worse == once.worse


def test_the_text_says_on_how_many_different_lucks_a_policy_is_worse(ready, world):
    hold, trim = played_in(ready, world, lambda _: None)
    text = world_text((hold, replace(trim, worse=7)), ready, world)
    assert "on 8 paths with 8 different lucks of the market: revenue" in text
    assert "7 of 8 lucks" in text
    assert (hold.worse, hold.gain) == (None, None)


def test_past_years_have_no_market(ready):
    with pytest.raises(InputError, match="--world has a market of its own, and --set replay past years"):
        opened(replace(ready, work=replace(ready.work, past=PAST)), MARKET)
