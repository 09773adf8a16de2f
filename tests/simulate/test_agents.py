"""Agents: whole people, whose number alone decides how far luck takes them from the mean field."""

import dataclasses
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.agents import Work, replay_panel, simulate_agents
from engine.simulate.crowd import choose, live_panel, require_room, sizes
from engine.simulate.journey import run
from engine.simulate.world import build_world

WEEKS = 13
FIRMS = {"qualify": 0.1, "accept": 0.2, "propose": 0.3, "reject": 0.05, "stall": 0.04, "lose": 0.1, "win": 0.02}
TEAM = {"reps": 20.0, "load": 30.0, "patience": 8.0}


@pytest.fixture(scope="module")
def worlds(small):
    market = small()
    firms = {**market["journey"], **FIRMS}
    lost = {**market["journey"], "lose": 0.1, "win": 0.03}
    return {
        "consumer": build_world(build(small(journey=lost), Market, "consumer"), seed=1),
        "business": build_world(build(small(ladder="business", journey=firms, sales=TEAM), Market, "business"), seed=1),
    }


@pytest.fixture(scope="module")
def world(worlds):
    return worlds["consumer"]


@pytest.fixture(scope="module")
def spend():
    return np.random.default_rng(5).uniform(500, 3_000, (WEEKS, 7))


def same(one, other):
    counted = (one.people == other.people).all() and (one.flows == other.flows).all()
    return counted and (one.end.stages == other.end.stages).all() and (one.told.revenue == other.told.revenue).all()


def revenues(world, spend, people, seeds):
    return np.array([simulate_agents(world, spend, people, seed).told.revenue.sum() for seed in range(seeds)])


@pytest.mark.parametrize("name", ["consumer", "business"])
@pytest.mark.parametrize("people", [1, 2, 1_000, 20_011])
def test_nobody_is_lost_and_every_change_is_a_move(worlds, spend, name, people):
    world = worlds[name]
    told = simulate_agents(world, spend, people, 3)
    crowd = sizes(world, people)
    assert crowd.sum() == people
    assert (told.people.sum(axis=2) == crowd).all() and (told.people >= 0).all() and (told.flows >= 0).all()
    change = world.ladder.change.astype(int)
    assert (np.diff(told.people, axis=0) == told.flows[1:, :, :-1] @ change).all()
    edges = np.cumsum(crowd)[:-1]
    for stages, counted in zip(np.split(told.end.stages, edges), told.people[-1], strict=True):
        assert (np.bincount(stages, minlength=len(world.ladder.stages)) == counted).all()


@pytest.mark.parametrize("name", ["consumer", "business"])
def test_what_is_told_of_the_population_is_what_the_agents_did(worlds, spend, name):
    world = worlds[name]
    told = simulate_agents(world, spend, 5_000, 3)
    scale = float(world.population) / 5_000
    assert np.allclose(told.told.people, scale * told.people, rtol=1e-12)
    assert np.allclose(told.told.caused.sum(axis=1), scale * told.flows.sum(axis=1), rtol=1e-12)
    bought = told.flows[:, :, [world.ladder.event("buy"), world.ladder.event("repeat")]].sum(axis=2)
    money = scale * bought @ np.asarray(world.price * world.value)
    assert np.allclose(told.told.revenue, money, rtol=1e-12)
    assert np.allclose(told.told.credit.sum(axis=1), money, rtol=1e-12)


@pytest.mark.parametrize("name", ["consumer", "business"])
@pytest.mark.parametrize("chunk", [1_000, 7_000, 20_000])
def test_blocks_of_any_size_give_the_same_people(worlds, spend, name, chunk):
    whole = simulate_agents(worlds[name], spend[:4], 20_000, 9)
    assert same(whole, simulate_agents(worlds[name], spend[:4], 20_000, 9, work=Work(chunk=chunk)))


def test_the_form_for_a_gpu_gives_the_same_people(world, spend, monkeypatch):
    alone = simulate_agents(world, spend[:4], 20_000, 9)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert Work().chunk > 20_000
    assert same(alone, simulate_agents(world, spend[:4], 20_000, 9))


def test_blocks_worked_backwards_or_by_threads_give_the_same_people(world, spend):
    alone = simulate_agents(world, spend, 30_000, 9)

    def backwards(live, blocks):
        return [live(block) for block in list(blocks)[::-1]][::-1]

    with ThreadPoolExecutor(2) as pool:
        for every in (backwards, pool.map):
            assert same(alone, simulate_agents(world, spend, 30_000, 9, work=Work(chunk=5_000, every=every)))


def test_blocks_worked_by_other_processes_give_the_same_people(world, spend):
    alone = simulate_agents(world, spend[:2], 20_000, 9)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        apart = simulate_agents(world, spend[:2], 20_000, 9, work=Work(chunk=3_000, every=pool.map))
    assert same(alone, apart)


@pytest.mark.parametrize("name", ["consumer", "business"])
def test_going_on_from_a_week_is_never_having_stopped(worlds, spend, name):
    world = worlds[name]
    whole = simulate_agents(world, spend, 20_000, 4)
    first = simulate_agents(world, spend[:5], 20_000, 4)
    stood = first.end.stages.copy()
    second = simulate_agents(world, spend[5:], 20_000, 4, first.end)
    assert (first.end.stages == stood).all()
    assert (second.end.stages == whole.end.stages).all() and (second.flows == whole.flows[5:]).all()
    assert (second.told.revenue == whole.told.revenue[5:]).all()
    assert (second.hazard == whole.hazard[5:]).all()


def test_the_same_plan_and_seed_differ_by_nothing_and_another_seed_differs(world, spend):
    assert same(simulate_agents(world, spend, 20_000, 4), simulate_agents(world, spend.copy(), 20_000, 4))
    assert not same(simulate_agents(world, spend, 20_000, 4), simulate_agents(world, spend, 20_000, 5))


def test_later_spend_changes_nothing_before_it(world, spend):
    later = spend.copy()
    later[7:] *= 3
    one, other = (simulate_agents(world, plan, 20_000, 4) for plan in (spend, later))
    assert (one.people[:7] == other.people[:7]).all() and (one.flows[:7] == other.flows[:7]).all()
    assert (one.flows[7:] != other.flows[7:]).any()


@pytest.mark.parametrize("name", ["consumer", "business"])
def test_the_mean_of_agents_is_the_mean_field_but_for_their_number(worlds, spend, name):
    world, people, seeds = worlds[name], 4_000, 24
    field = run(world, jnp.asarray(spend[:6]))
    runs = [simulate_agents(world, spend[:6], people, seed) for seed in range(seeds)]
    for told, expected in (
        (np.array([one.told.revenue.sum() for one in runs]), float(field.revenue.sum())),
        (np.array([one.told.people[-1] for one in runs]), np.asarray(field.people[-1])),
        (np.array([one.told.flows.sum(axis=0) for one in runs]), np.asarray(field.flows.sum(axis=0))),
    ):
        error = told.std(axis=0, ddof=1) / np.sqrt(seeds)
        size = float(world.population) if told.ndim > 1 else expected
        off = np.abs(told.mean(axis=0) - expected) / (3 * error + 4 / people * size)
        assert off.max() <= 1


def test_luck_falls_with_the_square_root_of_their_number(world, spend):
    people = np.array([1_000, 4_000, 16_000, 64_000])
    deviation = [revenues(world, spend[:4], int(count), 40).std(ddof=1) for count in people]
    assert -0.6 <= np.polyfit(np.log(people), np.log(deviation), 1)[0] <= -0.4


@pytest.fixture(scope="module")
def earned(world, spend):
    """Revenue of a crowd by seed."""
    return revenues(world, spend[:6], 64_000, 12)


@pytest.mark.parametrize(("factor", "least"), [(1.01, 100), (0.99, 100), (1.1, 20), (0.9, 20), (0.0, 3)])
def test_plans_that_share_their_luck_differ_by_little_of_it(world, spend, earned, factor, least):
    changed = spend[:6].copy()
    changed[:, : None if factor else 1] *= factor  # knock out one channel
    other = revenues(world, changed, 64_000, 12)
    apart = earned.var(ddof=1) + other.var(ddof=1)  # of the difference, had each its own luck
    assert 0 < (other - earned).var(ddof=1) <= apart / least


@pytest.mark.parametrize("name", ["consumer", "business"])
def test_luck_across_seeds_is_that_of_independent_people(worlds, spend, name):
    world, people = worlds[name], 20_000
    runs = [simulate_agents(world, spend[:1], people, seed) for seed in range(100)]
    flows = np.array([one.flows[0] for one in runs])
    hazard, first = runs[0].hazard[0].sum(axis=0), runs[0].people[0] - runs[0].flows[0, :, :-1] @ world.ladder.change
    total = hazard[:, :-1] @ world.ladder.leaves
    chance = (hazard[:, :-1] / total[:, world.ladder.source]) * -np.expm1(-total[:, world.ladder.source])
    chance = np.nan_to_num(chance)
    crowd = first[:, world.ladder.source]
    moves = crowd * chance * (1 - chance)
    factor = float(world.hazards.advocate_repeat)
    buyers = first[:, world.ladder.stage("customer")] + factor * first[:, world.ladder.stage("advocate")]
    theory = np.concatenate([moves, (buyers * hazard[:, -1])[:, None]], axis=1)
    often = theory > 5
    ratio = flows.var(axis=0, ddof=1)[often] / theory[often]
    assert often.sum() >= 10 and 0.8 <= ratio.mean() <= 1.25
    assert ratio.min() > 0.5 and ratio.max() < 1.7


def test_nobody_is_worse_off_for_more_spend_on_a_ladder_without_side_exits(small, spend):
    journey = {**small()["journey"], "leave": 0.0}
    some = {name: small()["channels"][name] for name in ("tv", "display", "press", "guides")}
    segments = {"city": {"share": 0.4, "habits": {"paid": 1.4}}, "country": {"share": 0.6}}
    talk = {"advocate_weight": 1.0}
    market = small(journey=journey, channels=some, word_of_mouth=talk, segments=segments)
    world = build_world(build(market, Market, "ladder"), seed=1)
    people = jnp.array([[0.2, 0.1, 0.06, 0.03, 0.01, 0.0, 0.0], [0.3, 0.15, 0.1, 0.04, 0.01, 0.0, 0.0]])
    start = dataclasses.replace(world.start, people=people)
    plan, ids = spend[:, :4], np.arange(6_000)
    lives = []
    for factor in (0.0, 1.0, 1.3):
        told = simulate_agents(world, plan * factor, 6_000, 2, start)
        lives.append(replay_panel(world, told, ids))
    for less, more in ((lives[0], lives[1]), (lives[1], lives[2])):
        assert (less.panel.stage == more.panel.stage).all() and less.panel.stage.max() <= 4
        assert (more.stages >= less.stages).all() and (more.stages > less.stages).any()
        assert (more.purchases >= less.purchases).all() and (more.purchases > less.purchases).any()


@pytest.mark.parametrize("name", ["consumer", "business"])
def test_a_panel_is_replayed_exactly(worlds, spend, name):
    world = worlds[name]
    begun = simulate_agents(world, spend[:3], 9_000, 6)
    for told in (begun, simulate_agents(world, spend[3:], 9_000, 6, begun.end)):
        lives = replay_panel(world, told, np.arange(9_000))
        assert (lives.stages[-1] == told.end.stages).all()
        for segment, (people, flows) in enumerate(
            zip(told.people.swapaxes(0, 1), told.flows.swapaxes(0, 1), strict=True)
        ):
            here = lives.panel.segment == segment
            counted = [np.bincount(week[here], minlength=people.shape[1]) for week in lives.stages]
            assert (np.array(counted) == people).all()
            assert (lives.purchases[:, here].sum(axis=1) == flows[:, -1]).all()
        some = np.array([8_999, 5, 0, 4_321])
        few = replay_panel(world, told, some)
        assert (few.stages == lives.stages[:, some]).all() and (few.purchases == lives.purchases[:, some]).all()


def test_a_panel_can_live_under_the_mean_fields_hazards(world, spend):
    told = simulate_agents(world, spend, 9_000, 6)
    panel = choose(world, world.start, 9_000, 6, np.arange(9_000))
    assert (live_panel(world, told.hazard, panel, 6, 0).stages[-1] == told.end.stages).all()


def test_seats_follow_the_shares_and_neighbours_are_a_fair_sample(world):
    panel = choose(world, world.start, 100_000, 8, np.arange(100_000))
    share = np.asarray(world.start.people)
    for segment, row in enumerate(share):
        stages = panel.stage[panel.segment == segment]
        counted = np.bincount(stages, minlength=len(row))
        assert np.abs(counted - row / row.sum() * stages.size).max() < 1.001
        some = np.bincount(stages[500:1_500], minlength=len(row))
        assert np.abs(some - row / row.sum() * 1_000).max() < 12
    other = choose(world, world.start, 100_000, 9, np.arange(100_000))
    assert (other.stage != panel.stage).any()


def test_people_can_start_from_a_state_of_the_mean_field(world, spend):
    field = run(world, jnp.asarray(spend[:6]))
    told = simulate_agents(world, spend[6:], 50_000, 3, field.end)
    whole = run(world, jnp.asarray(spend))
    assert np.abs(told.told.people[-1] / np.asarray(whole.people[-1]) - 1)[:, :6].max() < 0.05


def test_more_agents_than_people_are_allowed_and_said(world, spend):
    said = []
    simulate_agents(
        dataclasses.replace(world, population=jnp.array(500.0)), spend[:2], 1_000, 3, work=Work(tell=said.append)
    )
    assert "population is 500" in said[0] and said[1:] == ["week 1 of 2", "week 2 of 2"]


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (0, "0 agents are asked for; ask for at least 1"),
        (-5, "-5 agents"),
        (10**12, r"1.00 tn agents need .* GiB of 4 GiB allowed; ask for at most 1,\d+,\d+,\d+ agents"),
        (2**31, "--engine mean"),
    ],
)
def test_crowds_that_are_none_or_do_not_fit_are_refused_before_memory_is_taken(world, spend, people, message):
    with pytest.raises(InputError, match=message):
        simulate_agents(world, spend, people, 3)


def test_people_beyond_the_numbers_of_32_bits_are_refused_whatever_the_memory(world, spend):
    with pytest.raises(InputError, match="ask for at most 4,294,967,295 agents"):
        simulate_agents(world, spend, 2**32, 3, work=Work(memory=10**15))


def test_a_crowd_takes_no_more_memory_than_is_counted_on(world, spend):
    people = 4_000_000
    simulate_agents(world, spend[:2], 50_000, 3)
    tracemalloc.start()
    told = simulate_agents(world, spend[:2], people, 3)
    first = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    simulate_agents(world, spend[:2], people, 3, told.end)
    again = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    room = 16 * 2**20
    assert first < 2 * people + room and again < 3 * people + room  # the crowd that goes on was there before


def test_a_thousand_million_people_are_within_four_gibibytes(world):
    require_room(world, 10**9, 3, 104, Work().memory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spend": np.ones((4, 6))}, r"shape \(4, 6\).*7 channels"),
        ({"spend": np.ones((0, 7))}, "a week or more"),
        ({"spend": np.full((4, 7), np.nan)}, "spend holds nan"),
        ({"spend": np.full((4, 7), -1.0)}, "spend holds -1"),
        ({"spend": np.ones((5_000, 7))}, "ask for fewer weeks"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"work": Work(chunk=0)}, "blocks of 0 people"),
    ],
)
def test_runs_that_cannot_be_are_refused(world, spend, change, message):
    with pytest.raises(InputError, match=message):
        simulate_agents(**{"world": world, "spend": spend, "people": 10, "seed": 3, **change})


def test_a_crowd_of_another_size_cannot_go_on(world, spend):
    stood = simulate_agents(world, spend[:1], 100, 3).end
    with pytest.raises(InputError, match="200 agents are asked for, but 100 stand"):
        simulate_agents(world, spend[:1], 200, 3, stood)


def test_a_crowd_of_another_market_cannot_go_on(worlds, spend):
    stood = simulate_agents(worlds["business"], spend[:1], 1_000, 3).end
    with pytest.raises(InputError, match="stands in stage 9, but market Small has the stages 0 to 6"):
        simulate_agents(worlds["consumer"], spend[:1], 1_000, 3, stood)


@pytest.mark.parametrize("ids", [[100], [-1, 3]])
def test_people_who_are_not_there_are_refused(world, spend, ids):
    told = simulate_agents(world, spend[:1], 100, 3)
    with pytest.raises(InputError, match="the crowd has the numbers 0 to 99"):
        replay_panel(world, told, np.array(ids))
