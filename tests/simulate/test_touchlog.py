"""Touch logs against people lived contact by contact, and what no log depends on."""

import dataclasses
import math

import numpy as np
import polars
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate import touchlog
from engine.simulate.crowd import Lives, Panel
from engine.simulate.exposures import Weeks, buyers, look_back, touch_costs
from engine.simulate.touchlog import log_touches, require_room, write_touches
from engine.simulate.world import build_world

BEFORE, AFTER, MOVE, BASKET = range(4)
COLUMNS = [field.name for field in dataclasses.fields(touchlog.TouchLog)][:10]


@pytest.fixture(scope="module")
def world(small):
    return build_world(build(small(), Market, "small"), seed=3)


@pytest.fixture(scope="module")
def wild(world):
    """Weeks in which much happens: up to 1.3 triggers of a move a week, and as many contacts without effect."""
    return busy_weeks(world, 3)


@pytest.fixture(scope="module")
def lived(world, wild):
    """Some people, contact by contact: what they did, and every contact of theirs."""
    return contact_by_contact(world, wild, 3_000, np.random.default_rng(5))


@pytest.fixture(scope="module")
def log(world, wild, lived):
    return log_touches(world, wild, lived[0], 11)


def busy_weeks(world, periods):
    luck = np.random.default_rng(1)
    channels, segments, stages = len(world.channels), len(world.segments), len(world.ladder.stages)
    hazard = luck.uniform(0, 0.1, (periods, channels + 2, segments, len(world.ladder.events)))
    triggers = hazard[:, :channels, :, :-1] @ world.ladder.leaves + hazard[:, :channels, :, -1:] * buyers(world)
    contact = triggers + luck.uniform(0, 0.3, triggers.shape)
    people = np.full((periods, segments, stages), 1 / segments / stages)
    spent = luck.uniform(0, 1000, (periods, channels))
    return Weeks(4, hazard, contact, spent, people, luck.uniform(10, 50, (periods, segments)))


def contact_by_contact(world, weeks, people, luck):
    """The week's law in the order in which things happen, with every contact's effect drawn when it comes."""
    ladder, channels = world.ladder, len(world.channels)
    panel = Panel(
        np.arange(people) * 7 + 2,
        luck.integers(0, len(world.segments), people),
        luck.integers(0, len(ladder.stages), people).astype(np.uint8),
    )
    stages = np.zeros((len(weeks.hazard), people), np.uint8)
    bought = np.zeros_like(stages)
    seen = []
    for person in range(people):
        segment, stage = int(panel.segment[person]), int(panel.stage[person])
        for week, hazard in enumerate(weeks.hazard[:, :, segment]):
            contact, target = weeks.contact[week, :, segment, stage], None
            for _, cause, event in sorted(contacts(world, hazard, contact, stage, luck)):
                if event == "repeat":
                    bought[week, person] += 1
                    seen.append((person, week, cause, BASKET))
                elif event is not None and target is None:
                    target = int(ladder.target[event])
                    seen.append((person, week, cause, MOVE))
                elif cause < channels:
                    seen.append((person, week, cause, BEFORE if target is None else AFTER))
            stage = stage if target is None else target
            stages[week, person] = stage
    return Lives(panel, stages, bought), seen


def contacts(world, hazard, contact, stage, luck):
    """The triggers and other contacts of one person's week: moment, cause, and the event triggered, if any."""
    open_moves = np.flatnonzero(world.ladder.source == stage)
    pace = buyers(world)[stage]
    for cause, rate in enumerate(hazard):
        chances = [(int(move), rate[move]) for move in open_moves] + [("repeat", rate[-1] * pace)]
        least = sum(chance for _, chance in chances)
        many = luck.poisson(contact[cause] if cause < len(contact) else least)
        for _ in range(many):
            point, event = luck.uniform(0, contact[cause] if cause < len(contact) else least), None
            for name, chance in chances:
                if 0 <= point < chance:
                    event = name
                point -= chance
            yield luck.uniform(), cause, event


def kinds_of_rows(log, people):
    """Place of the person, week, channel, and whether a row is before, after or itself the week's move."""
    place = np.searchsorted(people, log.person)
    moved_at = np.full((people.size, int(log.week.max()) + 1), np.datetime64("9999-01-01", "us"))
    moving = log.stage_before != log.stage_after
    moved_at[place[moving], log.week[moving]] = log.time[moving]
    kind = np.where(log.time > moved_at[place, log.week], AFTER, BEFORE)
    kind[log.true_cause >= 0] = BASKET
    kind[moving] = MOVE
    return place, kind


def tally(place, week, cause, kind, stage_at, shape):
    found = np.zeros(shape)
    np.add.at(found, (stage_at[week, place], cause, kind), 1)
    return found


def test_what_is_logged_is_what_people_met_contact_by_contact(world, wild, lived, log):
    """By stage, cause, and before, after or at a move: the same numbers, up to the luck of Poisson counts."""
    lives, seen = lived
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    shape = (len(world.ladder.stages), len(world.channels) + 2, 4)
    person, week, cause, kind = np.array(seen).T
    one = tally(person, week, cause, kind, start, shape)
    place, kind = kinds_of_rows(log, lives.panel.ids)
    other = tally(place, log.week - wild.first, log.channel, kind, start, shape)
    assert one[:, :, MOVE].sum() == other[:, :, MOVE].sum() > 3_000
    assert one[:, :, BASKET].sum() == other[:, :, BASKET].sum() > 1_000
    assert min(one[:, :7, BEFORE].sum(), one[:, :7, AFTER].sum()) > 4_000
    assert np.abs((one - other) / np.sqrt(one + other + 1)).max() < 4.0


def test_the_moment_of_a_move_is_the_first_of_many_triggers(world, wild, lived, log):
    """u = (1 - exp(-H t)) / (1 - exp(-H)) is uniform."""
    moving = log.stage_before != log.stage_after
    segment = lived[0].panel.segment[np.searchsorted(lived[0].panel.ids, log.person[moving])]
    total = (wild.hazard[..., :-1].sum(axis=1) @ world.ladder.leaves)[
        log.week[moving] - wild.first, segment, log.stage_before[moving]
    ]
    begin = np.datetime64(world.start_date, "us") + log.week[moving] * np.timedelta64(7, "D")
    moment = (log.time[moving] - begin) / np.timedelta64(7, "D")
    even = np.sort(np.expm1(-total * moment) / np.expm1(-total))
    assert np.abs(even - np.arange(even.size) / even.size).max() < 1.95 / math.sqrt(even.size)  # Kolmogorov, 0.1 %


def test_touches_of_a_week_are_poisson_with_the_mean_of_the_contacts(world, wild, lived, log):
    """Law 14: whatever a channel's contacts do, they are as many as the channel makes; mean and variance."""
    lives, _ = lived
    start = np.concatenate([lives.panel.stage[None], lives.stages[:-1]])
    for channel in range(len(world.channels)):
        mine = log.channel == channel
        count = np.zeros(start.shape)
        np.add.at(count, (log.week[mine] - wild.first, np.searchsorted(lives.panel.ids, log.person[mine])), 1)
        mean = wild.contact[np.arange(len(start))[:, None], channel, lives.panel.segment, start]
        assert abs((count - mean).sum()) < 4 * math.sqrt(mean.sum())
        spread = (count - mean) ** 2 / mean - 1
        assert abs(spread.sum()) < 4 * math.sqrt((2 + 1 / mean).sum())


def rows_of(log, chosen):
    return [getattr(log, name)[chosen].tolist() for name in COLUMNS]


def only(lives, chosen, weeks=None):
    panel = Panel(*(column[chosen] for column in lives.panel))
    return Lives(panel, lives.stages[:weeks, chosen], lives.purchases[:weeks, chosen])


def test_a_person_has_the_same_log_in_every_panel(world, wild, lived, log):
    chosen = np.arange(2_500, 40, -41)
    some = log_touches(world, wild, only(lived[0], chosen), 11)
    for person in lived[0].panel.ids[chosen[:20]]:
        assert rows_of(some, some.person == person) == rows_of(log, log.person == person)
    assert some.person.size == np.isin(log.person, lived[0].panel.ids[chosen]).sum()


def test_the_log_does_not_depend_on_how_it_is_worked(world, wild, lived, log, monkeypatch):
    monkeypatch.setattr(touchlog, "WORKED", 1_000)
    heard = []
    other = log_touches(world, wild, lived[0], 11, heard.append)
    assert rows_of(other, slice(None)) == rows_of(log, slice(None))
    assert heard[:2] == ["touches of 0 of 3000 people", "touches of 333 of 3000 people"]


def test_a_longer_log_begins_with_the_shorter_one(world, wild, lived, log):
    short = Weeks(wild.first, *(column[:2] for column in wild[1:]))
    cut = log_touches(world, short, only(lived[0], slice(None), 2), 11)
    assert rows_of(cut, slice(None)) == rows_of(log, log.week < wild.first + 2)


def test_touches_do_not_depend_on_the_order_of_channels(world, wild, lived, log):
    """Law 11, for everything but the lots of causes, which are drawn along the order."""
    turned = dataclasses.replace(world, channels=world.channels[::-1], kinds=world.kinds[::-1])
    order = [6, 5, 4, 3, 2, 1, 0, 7, 8]
    weeks = wild._replace(
        hazard=wild.hazard[:, order], contact=wild.contact[:, ::-1], spent=np.ascontiguousarray(wild.spent[:, ::-1])
    )
    other = log_touches(turned, weeks, lived[0], 11)

    def idle(told):
        found = told.true_cause < 0
        names = [told.channels[place] for place in told.channel[found].tolist()]
        return sorted(zip(told.person[found].tolist(), names, told.week[found].tolist(), strict=True))

    assert idle(other) == idle(log)


def test_another_seed_tells_another_story_of_the_same_lives(world, wild, lived, log):
    other = log_touches(world, wild, lived[0], 12)
    moving, turned = log.stage_before != log.stage_after, other.stage_before != other.stage_after
    assert (log.person[moving] == other.person[turned]).all()
    assert 0.1 < (log.true_cause[moving] == other.true_cause[turned]).mean() < 0.4
    assert not set(log.time.tolist()) & set(other.time.tolist())


def panel_in(world, spend, stage="considering", people=3_000):
    """A log of people who all stand in one stage in every week, whatever the hazards."""
    weeks = len(spend)
    shares = np.zeros((weeks, len(world.segments), len(world.ladder.stages)))
    shares[:, :, world.ladder.stage(stage)] = 1
    seen = look_back(world, spend, shares, world.start)
    still = np.full((weeks, people), world.ladder.stage(stage), np.uint8)
    lives = Lives(Panel(np.arange(people), np.zeros(people, int), still[0]), still, np.zeros_like(still))
    return seen, log_touches(world, seen, lives, 2)


def test_a_contact_costs_what_the_market_says(bare):
    """Without carry-over or wear, each touch costs the price of a contact, and there are as many as were bought."""
    world = build_world(build(bare(), Market, "bare"))
    _, log = panel_in(world, np.array([[25_000.0], [0.0], [50_000.0]]))
    assert log.cost == pytest.approx(np.ones(log.cost.size), rel=1e-12)
    assert set(log.week.tolist()) == {0, 2}
    count = np.bincount(log.week)
    assert abs(count[0] - 750) < 4 * math.sqrt(750) and abs(count[2] - 1_500) < 4 * math.sqrt(1_500)


def test_a_click_costs_its_share_of_the_auction(bare):
    """Of q queries, money b buys k q (1 - exp(-b / (c k q))) clicks; only people who search are touched."""
    search = {
        "mechanic": "search",
        "cost_per_click": 0.5,
        "most_clicks": 0.8,
        "queries": {"considering": 0.4},
        "effect": {},
        "history": {"mean": 100.0},
    }
    world = build_world(build(bare(channels={"search": search}), Market, "bare"))
    weeks, log = panel_in(world, np.array([[12_000.0]]))
    most = 0.8 * 0.4 * 100_000
    clicks = most * (1 - math.exp(-12_000 / 0.5 / most))
    assert log.cost == pytest.approx(np.full(log.cost.size, 12_000 / clicks), rel=1e-9)
    mean = 3_000 * clicks / 100_000
    assert abs(log.person.size - mean) < 4 * math.sqrt(mean)
    assert np.flatnonzero(weeks.contact[0, 0, 0]).tolist() == [world.ladder.stage("considering")]


def test_money_that_touched_nobody_costs_no_touch(world, wild):
    silent = wild._replace(hazard=wild.hazard * 0, contact=wild.contact * 0)
    assert (touch_costs(world, silent) == 0).all()


def test_contacts_are_never_fewer_than_what_they_trigger(world, wild, lived):
    """Where hazards ask for more triggers than there are contacts, every contact triggers."""
    log = log_touches(world, wild._replace(contact=wild.contact * 0), lived[0], 11)
    late = log.true_cause < 0
    _, kind = kinds_of_rows(log, lived[0].panel.ids)
    assert late.any() and (kind[late] == AFTER).all()


def test_a_log_of_nobody_or_of_no_weeks_is_empty(tmp_path, world, wild, lived):
    nobody = log_touches(world, wild, only(lived[0], np.zeros(0, int)), 11)
    never = Weeks(wild.first, *(column[:0] for column in wild[1:]))
    for log in (nobody, log_touches(world, never, only(lived[0], slice(None), 0), 11)):
        assert rows_of(log, slice(None)) == [[]] * 10
        write_touches(tmp_path / "touches.parquet", log)
        assert polars.read_parquet(tmp_path / "touches.parquet").height == 0


def test_what_cannot_be_logged_is_refused(world, wild, lived):
    lives = lived[0]
    twice = only(lives, np.array([1, 2, 1]))
    with pytest.raises(InputError, match="3 people are to be logged, but some are the same; name each once"):
        log_touches(world, wild, twice, 1)
    with pytest.raises(InputError, match="lived 2 weeks, but 3 are told"):
        log_touches(world, wild, only(lives, slice(None), 2), 1)
    taken = dataclasses.replace(world, channels=("organic", *world.channels[1:]))
    with pytest.raises(InputError, match="market Small: a touch log needs the name 'organic' for itself; rename"):
        log_touches(taken, wild, lives, 1)
    loud = wild._replace(contact=wild.contact * 1e4)
    with pytest.raises(InputError, match=r"touches a person \d.* times a week, and a log tells 1,000 apart"):
        log_touches(world, loud, lives, 1)


@pytest.mark.parametrize("how", ["no such move", "no hazard", "no buyer"])
def test_lives_that_the_weeks_rule_out_are_refused(world, wild, lived, how):
    ladder, weeks, lives = world.ladder, wild, only(lived[0], np.arange(1))
    stages, bought = np.zeros((3, 1), np.uint8), np.zeros((3, 1), np.uint8)
    stages[1:] = ladder.stage("advocate") if how == "no such move" else ladder.stage("aware") if how[3] == "h" else 0
    bought[1:] = how == "no buyer"
    if how == "no hazard":
        weeks = wild._replace(hazard=wild.hazard * (np.arange(len(ladder.events)) > 0))
    lives = Lives(lives.panel._replace(stage=np.zeros(1, np.uint8)), stages, bought)
    with pytest.raises(InputError, match=r"person 2 in week 5 went from unaware to \w+ with \d purchases.*rule out"):
        log_touches(world, weeks, lives, 1)


def test_a_log_too_long_is_refused_before_it_is_made_and_the_remedy_works(world, wild):
    with pytest.raises(InputError, match=r"of 90,000,000 people over 3 weeks .* more than 20\.0 m") as refused:
        require_room(world, wild, 90_000_000)
    most = int(str(refused.value).split("at most ")[1].split(" people")[0].replace(",", ""))
    assert require_room(world, wild, most) is None
    with pytest.raises(InputError, match=f"at most {most:,} people"):
        require_room(world, wild, most + 1)


def test_weeks_that_the_calendar_does_not_hold_are_refused(world):
    shares = np.ones((1_300, 2, 7))
    with pytest.raises(InputError, match="1300 weeks are asked for"):
        look_back(world, np.zeros((1_300, 7)), shares, world.start)
