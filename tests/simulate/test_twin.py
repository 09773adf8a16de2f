"""The simulator against a slow twin: the same world in plain loops over people's groups, from the formulas alone."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.journey import play
from engine.simulate.stages import CONSUMER
from engine.simulate.world import WARM_UP, build_world

TARGETS = {
    "notice": ("unaware", "aware"),
    "consider": ("aware", "considering"),
    "buy": ("considering", "customer"),
    "reconsider": ("lapsed", "considering"),
    "praise": ("customer", "advocate"),
    "leave": ("customer", "lapsed"),
    "quiet": ("advocate", "customer"),
    "forget": ("aware", "unaware"),
    "cool": ("considering", "aware"),
}
OF_MARKET = ("consider", "buy", "reconsider")


def survive(half_life):
    return math.exp(-math.log(2) / half_life) if half_life else 0.0


def contacts(channel, kept, money, people, talkers, queries):
    """Contacts per person reached, share reached; `kept` is changed in place."""
    match channel.mechanic:
        case "reach":
            return money / channel.cost_per_contact / (channel.audience * people), channel.audience
        case "search":
            available = channel.most_clicks * queries * people
            bought = available * (1 - math.exp(-money / channel.cost_per_click / available)) if available else 0.0
            return bought / (queries * people) if queries else 0.0, 1.0
        case "press":
            easy = channel.easy_stories
            won = easy * (math.sqrt(1 + 2 * money / (channel.cost_per_story * easy)) - 1)
            stories = channel.organic_stories + won + channel.branching * kept.get("excited", 0.0)
            left = survive(channel.memory)
            kept["excited"] = left * kept.get("excited", 0.0) + (1 - left) * stories
            return stories * channel.story_reach, channel.audience
        case "referral":
            available = channel.most_shares * talkers
            bought = available * (1 - math.exp(-money / channel.cost_per_share / people / available)) if talkers else 0
            return bought, 1.0
        case "mailing":
            return mail(channel, kept, money, people)
        case "content":
            pages = kept.setdefault("pages", [0.0] * (channel.steps + 1))
            cap = channel.most_visits
            visits = cap * (1 - math.exp(-pages[-1] * channel.visits_per_page / cap))
            moved = [page * min(1, channel.steps / channel.delay) for page in pages[:-1]]
            pages[-1] = pages[-1] * (1 - channel.decay) + moved[-1]
            for index in range(channel.steps):
                income = money / channel.cost_per_page / people if index == 0 else moved[index - 1]
                pages[index] += income - moved[index]
            return visits, 1.0


def mail(channel, kept, money, people):
    new, old = kept.get("new", 0.0), kept.get("old", 0.0)
    listed = new + old
    most = channel.most_mails * listed
    spent = (1 - channel.signup_share) * money / channel.cost_per_mail / people
    mails = most * (1 - math.exp(-spent / most)) if most else 0.0
    push = channel.signup_share * money / channel.cost_per_signup / people / channel.largest
    joining = max(channel.largest - listed, 0) * (1 - math.exp(-channel.organic_signups - push))
    mature = 1 / channel.weeks_new
    gone = new * (1 - math.exp(-channel.leave_new - mature))
    kept["new"] = new - gone + joining
    kept["old"] = old * math.exp(-channel.leave_seasoned) + gone * mature / (mature + channel.leave_new)
    return (mails / listed if listed else 0.0), listed


def effective(channel, amount):
    if channel.frequency == 2:
        return 1 - math.exp(-amount) * (1 + amount)
    return (1 - math.exp(-channel.wear * amount)) / channel.wear if channel.wear else amount


def demand_of(market, day, week, index):
    year_day = day.timetuple().tm_yday
    season, steps = market.season, 20_000
    mean = sum(math.exp(season.amplitude * math.cos(2 * math.pi * k / steps)) for k in range(steps)) / steps
    demand = math.exp(season.amplitude * math.cos(2 * math.pi * (year_day - 7 * season.peak_week + 3) / 365.25)) / mean
    demand *= (1 + season.growth) ** (max(week, 0) * 7 / 365.25)
    for event in market.events.values():
        demand *= event.lift if (year_day - 1) // 7 + 1 == event.week else 1.0
    return demand * index**market.control.elasticity


def habit(market, name, channel, segment):
    mean = sum(
        other.share * other.habits.get(name, other.habits.get(channel.kind, 1.0)) for other in market.segments.values()
    )
    return segment.habits.get(name, segment.habits.get(channel.kind, 1.0)) / mean


def slow_twin(market, spend, index):
    """Revenue by week of the warm-up and the history, and the people at the end."""
    shares = {name: {"unaware": segment.share} for name, segment in market.segments.items()}
    kept = {name: {} for name in market.channels}
    memory, goodwill, revenue = dict.fromkeys(market.channels, 0.0), {}, []
    for step, money in enumerate(spend):
        day, week = market.start + timedelta(days=7 * (step - WARM_UP)), step - WARM_UP
        demand = demand_of(market, day, week, index[step])
        count = lambda stage: sum(share.get(stage, 0.0) for share in shares.values())  # noqa: E731
        talkers = count("customer") + market.word_of_mouth.advocate_weight * count("advocate")
        touch = {}
        for spent, (name, channel) in zip(money, market.channels.items(), strict=True):
            queries = 0.0
            if channel.mechanic == "search":
                for place, segment in market.segments.items():
                    for stage, rate in channel.queries.model_dump().items():
                        active = demand * (1 if stage in ("customer", "advocate") else market.in_market)
                        queries += habit(market, name, channel, segment) * shares[place].get(stage, 0) * rate * active
            each, reached = contacts(channel, kept[name], spent, market.population, talkers, queries)
            left, slow = survive(channel.carry.half_life), survive(channel.carry.slow_half_life)
            memory[name] = left * memory[name] + (1 - left) * each
            for place, segment in market.segments.items():
                fast = reached * effective(channel, memory[name] * habit(market, name, channel, segment))
                goodwill[name, place] = slow * goodwill.get((name, place), 0.0) + (1 - slow) * fast
                part = channel.carry.slow_share
                touch[name, place] = (1 - part) * fast + part * goodwill[name, place]
        revenue.append(move(market, shares, touch, talkers, demand))
    return revenue, shares


def hazard(market, move, stage, place, touch, talkers):
    total = getattr(market.journey, move) if move != "repeat" else market.purchase.repeat
    total += talkers * getattr(market.word_of_mouth.effect, move, 0.0)
    for name, channel in market.channels.items():
        chance = getattr(channel.effect, move, 0.0)
        if channel.mechanic == "search":
            chance *= getattr(channel.queries, stage, 0.0)
        total += touch[name, place] * chance
    return total


def move(market, shares, touch, talkers, demand):
    bought = 0.0
    for place, segment in market.segments.items():
        old = dict(shares[place])
        repeat = demand * hazard(market, "repeat", "customer", place, touch, talkers)
        purchases = repeat * (old.get("customer", 0) + market.purchase.advocate_factor * old.get("advocate", 0))
        for stage, people in old.items():
            moves = [name for name, (source, _) in TARGETS.items() if source == stage]
            rates = [
                hazard(market, name, stage, place, touch, talkers)
                * (market.in_market * demand if name in OF_MARKET else 1)
                for name in moves
            ]
            for name, rate in zip(moves, rates, strict=True):
                moved = people * rate / sum(rates) * (1 - math.exp(-sum(rates))) if sum(rates) else 0.0
                shares[place][stage] -= moved
                shares[place][TARGETS[name][1]] = shares[place].get(TARGETS[name][1], 0.0) + moved
                purchases += moved if name == "buy" else 0.0
        bought += segment.value * purchases
    return market.population * market.purchase.price * bought


def test_the_mean_field_agrees_with_its_slow_twin(small):
    market = build(small(), Market, "small")
    world = build_world(market, seed=3)
    spend = np.random.default_rng(1).uniform(0, 2_500, (30, len(market.channels)))
    spend[7] = 0
    warm = np.tile([channel.history.mean for channel in market.channels.values()], (WARM_UP, 1))
    revenue, shares = slow_twin(market, np.concatenate([warm, spend]), np.asarray(world.calendar.control))
    fast = play(world, spend)
    assert np.asarray(fast.revenue) == pytest.approx(revenue[WARM_UP:], rel=1e-10)
    for row, place in enumerate(world.segments):
        people = [shares[place].get(stage, 0.0) for stage in CONSUMER.stages]
        assert np.asarray(fast.end.people)[row] == pytest.approx(people, rel=1e-10)


def test_the_twin_starts_on_the_day_the_world_does(small):
    assert build_world(build(small(), Market, "small")).start_date == date(2022, 1, 3)
