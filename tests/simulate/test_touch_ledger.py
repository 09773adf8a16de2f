"""Touch logs of every market that comes along: what adds up, and what is written."""

import math

import jax.numpy as jnp
import numpy as np
import polars
import pytest

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample_folder
from engine.simulate.crowd import choose, live_panel
from engine.simulate.exposures import buyers, expected_rows, look_back, rates, touch_costs
from engine.simulate.journey import money_each, play
from engine.simulate.touchlog import log_touches, write_touches
from engine.simulate.world import build_world

MARKETS = sorted(path.stem for path in sample_folder("configs").glob("*.toml"))


@pytest.fixture(scope="module", params=MARKETS)
def shipped(request):
    """A panel of a market that comes along: world, weeks, lives and log."""
    world = build_world(load(sample_folder("configs") / f"{request.param}.toml", Market), 4)
    spend = np.full((12, len(world.channels)), 80_000.0) * np.linspace(0, 2, 12)[:, None]
    told = play(world, spend)
    people = np.concatenate([np.asarray(world.start.people)[None], np.asarray(told.people)[:-1] / world.population])
    weeks = look_back(world, spend, people, world.start)
    ids = np.arange(4_000) * 3
    lives = live_panel(world, weeks.hazard, choose(world, world.start, 12_000, 9, ids), 9, 0)
    return world, weeks, lives, log_touches(world, weeks, lives, 9), told


def test_true_causes_have_their_part_of_the_hazard(shipped):
    """Law 14, in every market: a chi-square over causes, of moves and of further purchases."""
    world, weeks, lives, log, _ = shipped
    segment = lives.panel.segment[np.searchsorted(lives.panel.ids, log.person)]
    moving = log.stage_before != log.stage_after
    repeat = len(world.ladder.moves)
    pairs = list(zip(world.ladder.source.tolist(), world.ladder.target.tolist(), strict=True))
    for chosen in (moving, log.converted & ~moving):
        event = [
            pairs.index(pair) if pair in pairs else repeat
            for pair in zip(log.stage_before[chosen].tolist(), log.stage_after[chosen].tolist(), strict=True)
        ]
        hazard = weeks.hazard[log.week[chosen], :, segment[chosen], np.array(event, int)]
        part = hazard / hazard.sum(axis=1, keepdims=True)
        found = np.bincount(log.true_cause[chosen], minlength=part.shape[1])
        spread = np.sqrt((part * (1 - part)).sum(axis=0)) + 1
        assert np.abs((found - part.sum(axis=0)) / spread).max() < 4.5


def test_a_contact_triggers_each_move_with_the_chance_that_is_written(shipped):
    """Of search: a click, whoever searches and however often; price and rivals change some moves beside."""
    world, weeks, *_ = shipped
    ladder, queries = world.ladder, np.asarray(world.media.queries)
    plain = [place for place, move in enumerate(ladder.moves) if move.name not in ("buy", "lose", "win")]
    for channel in np.flatnonzero(queries.sum(axis=1)):
        asked, effect = queries[channel, ladder.source[plain]], np.asarray(world.hazards.effect)[channel, plain]
        chance = np.divide(effect, asked, out=np.zeros(len(plain)), where=asked > 0)
        contact = weeks.contact[:, channel][..., ladder.source[plain]]
        assert weeks.hazard[:, channel][..., plain] == pytest.approx(contact * chance, rel=1e-12) and chance.max() > 0


def test_channels_are_logged_as_often_as_they_touch(shipped):
    """Law 14, in every market: each channel's rows are a Poisson number with the mean of its contacts."""
    world, weeks, lives, log, told = shipped
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    week, each = np.arange(len(start))[:, None], np.add.reduce(rates(world, weeks))
    for channel, name in enumerate(world.channels):
        mean = each[week, channel, lives.panel.segment, start].sum()
        assert abs((log.channel == channel).sum() - mean) < 4 * math.sqrt(mean), name
        if not np.asarray(world.media.queries)[channel].any():
            contact = np.einsum("tgs,tgs->t", weeks.contact[:, channel], weeks.people)
            assert contact == pytest.approx(np.asarray(told.touches)[:, channel], rel=1e-12), name


def test_credited_moves_add_up_to_moves(shipped):
    """Law 14: a row for every move and every further purchase, and a cause for each."""
    world, _, lives, log, _ = shipped
    moving = log.stage_before != log.stage_after
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    found = np.zeros(start.shape, int)
    np.add.at(found, (log.week[moving], np.searchsorted(lives.panel.ids, log.person[moving])), 1)
    assert (found == (start != lives.stages)).all() and found.any()
    buy = (log.stage_before == world.ladder.source[world.ladder.event("buy")]) & moving
    buy &= log.stage_after == world.ladder.stage("customer")
    assert (log.converted & ~moving).sum() == lives.purchases.sum() and (log.converted[moving] == buy[moving]).all()
    assert ((log.true_cause >= 0) == (moving | log.converted)).all()
    assert (log.channel[log.true_cause >= 0] == log.true_cause[log.true_cause >= 0]).all()
    assert (log.channel[log.true_cause < 0] < len(world.channels)).all()


def test_the_money_ledger_closes_to_the_cent(shipped):
    """Law 15: value is every purchase at its price; cost is every touch at its share of the week's money."""
    world, weeks, lives, log, told = shipped
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    first = (start == world.ladder.source[world.ladder.event("buy")]) & (lives.stages == world.ladder.stage("customer"))
    money = 0.0
    for week, bought in enumerate(first + lives.purchases.astype(int)):
        each = np.asarray(money_each(world, jnp.asarray(week)))
        money += float(np.bincount(lives.panel.segment, bought, len(each)) @ each)
    assert abs(log.value.sum() - money) < 0.005 and money > 0
    assert (log.value[~log.converted] == 0).all() and (log.value[log.converted] > 0).all()
    mean = np.einsum("tcgs,tgs->tc", np.add.reduce(rates(world, weeks)), weeks.people)
    paid = touch_costs(world, weeks) * mean * float(world.population)
    assert paid[mean > 0] == pytest.approx(np.asarray(told.spent)[mean > 0], rel=1e-12)
    for channel in range(len(world.channels)):
        counted = np.bincount(log.week[log.channel == channel], minlength=len(weeks.spent))
        assert log.cost[log.channel == channel].sum() == pytest.approx(counted @ touch_costs(world, weeks)[:, channel])
    assert (log.cost[log.channel >= len(world.channels)] == 0).all()


def test_a_panel_pays_its_share_of_the_money(shipped):
    """What the panel's touches cost, scaled up, is what was spent, within four standard errors."""
    world, weeks, lives, log, _ = shipped
    share = len(lives.panel.ids) / float(world.population)
    rows = np.zeros(len(lives.panel.ids))
    np.add.at(rows, np.searchsorted(lives.panel.ids, log.person), log.cost)
    spent = weeks.spent[touch_costs(world, weeks) > 0].sum()
    assert abs(rows.sum() / share - spent) < 4 * rows.std() * math.sqrt(rows.size) / share


def test_each_person_is_followed_step_by_step(shipped):
    """Rows are in order, within their weeks, and each begins where the one before it ended."""
    world, _, lives, log, _ = shipped
    same = log.person[1:] == log.person[:-1]
    assert (np.diff(log.person) >= 0).all()
    assert (np.diff(log.time)[same] >= np.timedelta64(0)).all()
    assert (log.stage_after[:-1][same] == log.stage_before[1:][same]).all()
    begin = np.datetime64(world.start_date, "us") + log.week * np.timedelta64(7, "D")
    assert ((log.time >= begin) & (log.time < begin + np.timedelta64(7, "D"))).all()
    last = np.flatnonzero(np.append(~same, True))
    at = np.searchsorted(lives.panel.ids, log.person[last])
    assert (log.stage_after[last] == lives.stages[-1][at]).all()
    bought = log.converted & (log.stage_before == log.stage_after)
    assert (buyers(world)[log.stage_before[bought]] > 0).all()


def test_as_many_rows_are_expected_as_come(shipped):
    world, weeks, lives, log, _ = shipped
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    standing = np.zeros_like(weeks.people)
    for week, stages in enumerate(start):
        np.add.at(standing[week], (lives.panel.segment, stages), 1)
    rows = expected_rows(world, weeks, standing)
    assert abs(log.person.size - rows) < 4 * math.sqrt(rows)


def test_the_file_says_what_the_log_says(tmp_path, shipped):
    world, _, _, log, _ = shipped
    write_touches(tmp_path / "touches.parquet", log, "sha256:1")
    found = polars.read_parquet(tmp_path / "touches.parquet")
    assert found.columns == [
        *("person", "time", "week", "channel", "kind", "cost", "stage_before", "stage_after"),
        *("converted", "value", "true_cause"),
    ]
    for name in ("person", "time", "week", "cost", "converted", "value"):
        assert (found[name].to_numpy() == getattr(log, name)).all()
    assert found["channel"].to_list() == [log.channels[place] for place in log.channel]
    kinds = {**dict(zip(world.channels, world.kinds, strict=True)), "organic": None, "word_of_mouth": None}
    assert found["kind"].to_list() == [kinds[name] for name in found["channel"].to_list()]
    assert found["stage_before"].to_list() == [world.ladder.stages[place] for place in log.stage_before]
    assert found["stage_after"].to_list() == [world.ladder.stages[place] for place in log.stage_after]
    causes = (*world.channels, "nobody", "word_of_mouth", None)
    assert found["true_cause"].to_list() == [causes[place] for place in log.true_cause]
    notes = polars.read_parquet_metadata(tmp_path / "touches.parquet")
    asked = {"schema": "peso.touches/1", "currency": world.currency, "period": "week", "made_from": "sha256:1"}
    assert {name: notes[name] for name in asked} == asked and notes["start"] == world.start_date.isoformat()
