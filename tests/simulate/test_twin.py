"""The simulator against a slow twin: the same world in plain loops over people's groups, from the formulas alone."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.journey import play
from engine.simulate.world import WARM_UP, build_world

COMMON = {
    "notice": ("unaware", "aware"),
    "consider": ("aware", "considering"),
    "reconsider": ("lapsed", "considering"),
    "praise": ("customer", "advocate"),
    "leave": ("customer", "lapsed"),
    "quiet": ("advocate", "customer"),
    "forget": ("aware", "unaware"),
    "cool": ("considering", "aware"),
    "win": ("rival", "considering"),
}
TARGETS = {
    "consumer": {**COMMON, "buy": ("considering", "customer"), "lose": ("considering", "rival")},
    "business": {
        **COMMON,
        "qualify": ("considering", "qualified"),
        "accept": ("qualified", "accepted"),
        "propose": ("accepted", "opportunity"),
        "buy": ("opportunity", "customer"),
        "lose": ("opportunity", "rival"),
        "reject": ("qualified", "considering"),
        "stall": ("accepted", "considering"),
    },
}
OF_MARKET = {
    "consumer": ["consider", "buy", "reconsider", "lose", "win"],
    "business": ["consider", "reconsider", "win"],
}
SEARCHING = {
    "consumer": ["customer", "advocate"],
    "business": ["considering", "qualified", "accepted", "opportunity", "customer", "advocate"],
}


def survive(half_life):
    return math.exp(-math.log(2) / half_life) if half_life else 0.0


def affordable(channel, money, people, queries):
    """The part of a search budget that buys clicks below the highest bid: the next click costs c exp(spent / (c q))."""
    if channel.mechanic != "search" or channel.highest_bid is None:
        return money
    available = channel.most_clicks * queries * people
    return min(money, channel.cost_per_click * available * math.log(channel.highest_bid / channel.cost_per_click))


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
            return stories * channel.story_reach * kept["news"], channel.audience
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


def price_of(market, day):
    """The price of a week as a multiple: the deepest discount of those that run counts."""
    runs = [
        promotion.discount
        for promotion in market.promotions.values()
        for later in range(promotion.weeks)
        if ((day - timedelta(weeks=later)).timetuple().tm_yday - 1) // 7 + 1 == promotion.week
    ]
    return 1 - max(runs, default=0.0)


def search_queries(market, name, channel, shares, demand):
    total = 0.0
    for place, segment in market.segments.items():
        for stage, rate in channel.queries.model_dump().items():
            active = demand * (1 if stage in SEARCHING[market.ladder] else market.in_market)
            total += habit(market, name, channel, segment) * shares[place].get(stage, 0) * rate * active
    return total


def own_voice(market, before, spent):
    """Paid money, smoothed, and the pull of rivals' share of voice against their usual one, as a function of theirs."""
    paid = [name for name, channel in market.channels.items() if channel.kind == "paid"]
    usual = sum(market.channels[name].history.mean for name in paid)
    left = survive(market.rivals.half_life)
    voice = left * (usual if before is None else before) + (1 - left) * sum(spent[name] for name in paid)
    mean = market.rivals.spending.mean
    return voice, lambda theirs: math.exp(market.rivals.pull * (theirs / (theirs + voice) - mean / (mean + usual)))


def slow_twin(market, spend, luck):
    """Revenue and money spent by week of the warm-up and the history, and the people at the end."""
    shares = {name: {"unaware": segment.share} for name, segment in market.segments.items()}
    kept = {name: {} for name in market.channels}
    memory, goodwill, told, voice = dict.fromkeys(market.channels, 0.0), {}, [], None
    for step, money in enumerate(spend):
        day, week = market.start + timedelta(days=7 * (step - WARM_UP)), step - WARM_UP
        demand = demand_of(market, day, week, luck["control"][step])
        count = lambda stage: sum(share.get(stage, 0.0) for share in shares.values())  # noqa: E731
        talkers = count("customer") + market.word_of_mouth.advocate_weight * count("advocate")
        touch, spent = {}, {}
        for column, (name, channel) in enumerate(market.channels.items()):
            queries = search_queries(market, name, channel, shares, demand) if channel.mechanic == "search" else 0.0
            kept[name]["news"] = luck["news"][step][column]
            spent[name] = affordable(channel, money[column], market.population, queries)
            each, reached = contacts(channel, kept[name], spent[name], market.population, talkers, queries)
            left, slow = survive(channel.carry.half_life), survive(channel.carry.slow_half_life)
            memory[name] = left * memory[name] + (1 - left) * each
            for place, segment in market.segments.items():
                fast = reached * effective(channel, memory[name] * habit(market, name, channel, segment))
                goodwill[name, place] = slow * goodwill.get((name, place), 0.0) + (1 - slow) * fast
                part = channel.carry.slow_share
                touch[name, place] = (1 - part) * fast + part * goodwill[name, place]
        pull = 1.0
        if market.rivals:
            voice, pulled = own_voice(market, voice, spent)
            pull = pulled(luck["rivals"][step])
        scene = {"talkers": talkers, "demand": demand, "price": price_of(market, day), "pull": pull, "worked": 1.0}
        scene["worked"] = worked(market, shares, touch, scene)
        told.append((move(market, shares, touch, scene), [spent[name] for name in market.channels]))
    return [bought for bought, _ in told], [money for _, money in told], shares


def hazard(market, move, stage, place, touch, scene):
    pace = getattr(market.segments[place].pace, move)
    total = pace * (getattr(market.journey, move) if move != "repeat" else market.purchase.repeat)
    total += scene["talkers"] * getattr(market.word_of_mouth.effect, move, 0.0)
    clicked = 0.0
    for name, channel in market.channels.items():
        triggers = touch[name, place] * getattr(channel.effect, move, 0.0)
        if channel.mechanic == "search":
            clicked += triggers * getattr(channel.queries, stage, 0.0)
        else:
            total += triggers
    if move == "repeat":
        total *= scene["demand"]
    if move in OF_MARKET[market.ladder]:
        total *= market.in_market * scene["demand"]
    total += clicked * scene["demand"] * (1 if stage in SEARCHING[market.ladder] else market.in_market)
    waits = (1 - scene["worked"]) / market.sales.patience if market.sales and move == "lose" else 0.0
    return total * weather(market, move, scene) + waits


def weather(market, move, scene):
    """What the week does to a move of everybody: price, rivals and the time that a sales team has."""
    factor = scene["price"] ** market.purchase.elasticity if move in ("buy", "repeat") else 1.0
    factor *= {"lose": scene["pull"], "win": 1 / scene["pull"]}.get(move, 1.0)
    return factor * (scene["worked"] if move in ("buy", "lose") else 1.0)


def worked(market, shares, touch, scene):
    """The share of the opportunities that a sales team works, of those who stand there in the mean over the week."""
    if market.sales is None:
        return 1.0
    slots = market.sales.reps * market.sales.load
    there = {place: market.population * share.get("opportunity", 0.0) for place, share in shares.items()}
    share = min(1.0, slots / sum(there.values())) if sum(there.values()) else 1.0
    standing = 0.0
    for place, firms in there.items():
        leaving = sum(
            hazard(market, name, "opportunity", place, touch, {**scene, "worked": share}) for name in ("buy", "lose")
        )
        standing += firms * (1 - math.exp(-leaving)) / leaving
    return min(1.0, slots / standing) if standing else 1.0


def move(market, shares, touch, scene):
    bought, targets = 0.0, TARGETS[market.ladder]
    for place, segment in market.segments.items():
        old = dict(shares[place])
        repeat = hazard(market, "repeat", "customer", place, touch, scene)
        purchases = repeat * (old.get("customer", 0) + market.purchase.advocate_factor * old.get("advocate", 0))
        for stage, people in old.items():
            moves = [name for name, (source, _) in targets.items() if source == stage]
            rates = [hazard(market, name, stage, place, touch, scene) for name in moves]
            for name, rate in zip(moves, rates, strict=True):
                moved = people * rate / sum(rates) * (1 - math.exp(-sum(rates))) if sum(rates) else 0.0
                shares[place][stage] -= moved
                shares[place][targets[name][1]] = shares[place].get(targets[name][1], 0.0) + moved
                purchases += moved if name == "buy" else 0.0
        bought += segment.value * purchases
    return market.population * market.purchase.price * scene["price"] * bought


def beside(market, weeks=30):
    """The world of a market under some plan, played fast, and the same told slowly."""
    world = build_world(market, seed=3)
    spend = np.random.default_rng(1).uniform(0, 2_500, (weeks, len(market.channels)))
    spend[7] = 0
    warm = np.tile([channel.history.mean for channel in market.channels.values()], (WARM_UP, 1))
    luck = {name: np.asarray(getattr(world.calendar, name)) for name in ("control", "rivals", "news")}
    return world, spend, play(world, spend), slow_twin(market, np.concatenate([warm, spend]), luck)


@pytest.mark.parametrize("name", ["small", "busy", "business"])
def test_the_mean_field_agrees_with_its_slow_twin(name, request):
    market = build(request.getfixturevalue(name)(), Market, name)
    world, spend, fast, (revenue, spent, shares) = beside(market)
    assert np.asarray(fast.revenue) == pytest.approx(revenue[WARM_UP:], rel=1e-10)
    assert np.asarray(fast.spent) == pytest.approx(np.array(spent[WARM_UP:]), rel=1e-10)
    for row, place in enumerate(world.segments):
        people = [shares[place].get(stage, 0.0) for stage in world.ladder.stages]
        assert np.asarray(fast.end.people)[row] == pytest.approx(people, rel=1e-10)
    unspent = (np.asarray(fast.spent) < spend * (1 - 1e-9)).any(axis=0)
    assert unspent.tolist() == [name != "small" and channel == "search" for channel in market.channels]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("rivals", {"rivals": {"pull": 0.0, "half_life": 5.0, "spending": {"mean": 6_000.0}}}),
        ("promotions", {"promotions": {}}),
        ("sales", {"sales": {"reps": 1e6, "load": 12.5, "patience": 6.0}}),
        (
            "segments",
            {
                "segments": {
                    "city": {"share": 0.4, "value": 1.3, "habits": {"paid": 1.4, "mail": 0.7}},
                    "country": {"share": 0.6, "value": 0.8},
                }
            },
        ),
    ],
)
def test_every_part_of_the_busy_markets_matters(business, part, change):
    """Without this, agreement of the twins could mean that both leave the part out."""
    spend = np.full((60, 7), 2_000.0)
    plain, changed = (
        np.asarray(play(build_world(build(each, Market, "business"), seed=3), spend).revenue)
        for each in (business(), business(**change))
    )
    assert abs(plain.sum() / changed.sum() - 1) > 0.003


def test_the_sales_team_of_the_business_market_is_short_of_time_and_loses_firms_by_it(business):
    market = build(business(), Market, "business")
    world, spend = build_world(market, seed=3), np.random.default_rng(1).uniform(0, 2_500, (12, 7))
    spend[7] = 0
    standing = np.asarray(play(world, spend).people)[:, :, world.ladder.stage("opportunity")].sum(axis=1)
    assert (standing > float(world.sales.slots)).all()


def test_the_twin_starts_on_the_day_the_world_does(small):
    assert build_world(build(small(), Market, "small")).start_date == date(2022, 1, 3)
