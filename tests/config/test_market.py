"""Markets as people write them: what loads, and what a mistake is told."""

import re

import pytest

from engine.config.loading import load, parse
from engine.config.market import Market
from engine.config.samples import sample, sample_folder
from engine.errors import InputError

MARKETS = ("b2b_software", "local_service", "online_retail", "packaged_goods", "subscription")
TEXTS = {  # without their comments
    name: re.sub(r"\n#.*|(?<=\S) *#.*", "", (sample_folder("configs") / f"{name}.toml").read_text(encoding="utf-8"))
    for name in MARKETS
}

MISTAKES = {  # what a pattern in the text of a good market becomes, and what is told
    "shares": (r"share = 0.45", "share = 0.40", "the shares of the segments sum to 0.95 and must sum to 1"),
    "branching": (
        r"branching = [\d.]+",
        "branching = 1.0",
        "channels.press.branching = 1.0: must be less than",
    ),
    "audience": (r"audience = [\d.]+", "audience = 0", "channels.social.audience = 0: must be greater than 0"),
    "population": (r"population = \w+", "population = -1", "line 6: population = -1"),
    "hazard": (r"buy = [\d.]+", "buy = -1", "journey.buy = -1: must be greater than or equal to 0"),
    "mechanic": (
        r'mechanic = "press"',
        'mechanic = "pres"',
        "channels.press: a channel needs a mechanic, one of reach",
    ),
    "no mechanic": (r'mechanic = "press"\n', "", "channels.press: a channel needs a mechanic"),
    "key": (r"cost_per_story", "cost_per_storey", "did you mean 'cost_per_story'?"),
    "missing": (r"cost_per_story", "cost_per_storey", "channels.press.cost_per_story is missing; add it"),
    "common key": (r"wear = ", "waer = ", "did you mean 'wear'?"),
    "nested key": (r"effect = { consider", "effect = { considr", "did you mean 'consider'?"),
    "queries": (r"queries = {.*}", "queries = {}", "channels.search: queries are all 0, so nobody searches"),
    "notice": (r"effect = { consider", "effect = { notice = 0.1, consider", "who searches is aware already"),
    "habit": (r"newsletter = 1.3", "newslettr = 1.3", "names 'newslettr', which is no channel or kind here (known: ea"),
    "date": (r"start = [\d-]+", 'start = "2022"', "write a date as 2027-01-04"),
    "year": (r"start = [\d-]+", "start = 1022-01-03", "start lies in 1022, outside the years 1901 to 2199"),
    "nan": (r"mean = \w+", "mean = nan", "channels.search.history.mean = nan: must be a finite number"),
    "text": (r"price = \w+", 'price = "72"', "write a plain number, without quotes"),
}


IMPOSSIBLE = {  # a market, what a pattern in its text becomes, and what is told
    "shares above one": ("local_service", r"share = 0.15\n", "share = 0.25\n", "sum to 1.1 and must sum to 1"),
    "share below zero": ("local_service", r"share = 0.55", "share = -0.55", "segments.town.share = -0.55"),
    "nobody there": ("local_service", r"population = \w+", "population = 0", "population = 0: must be greater"),
    "half a person": ("local_service", r"population = \w+", "population = 0.5", "population = 0.5: must be"),
    "twin channels": (
        "local_service",
        r"channels.reminders",
        'channels."Local_Radio "',
        "channels 'local_radio' and 'Local_Radio ' look alike",
    ),
    "unending people": ("local_service", r"population = \w+", "population = inf", "must be a finite number"),
    "no hazard": ("local_service", r"notice = 0.02\n", "notice = nan\n", "journey.notice = nan"),
    "negative pace": (
        "b2b_software",
        r"pace = { notice = 1.0",
        "pace = { notice = -1.0",
        "segments.mid_sized.pace.notice = -1.0",
    ),
    "negative talk": (
        "b2b_software",
        r"effect = { notice = 0.02",
        "effect = { notice = -0.02",
        "word_of_mouth.effect.no",
    ),
    "sure effect": ("local_service", r"repeat = 0.061", "repeat = 1.5", "channels.reminders.effect.repeat = 1.5"),
    "kind in habits": (
        "local_service",
        r"habits = { search",
        "habits = { bought",
        "names 'bought', which is no channel",
    ),
    "no audience": ("local_service", r"audience = 0.5", "audience = 0.0", "channels.local_radio.audience = 0.0"),
    "no subscribers": ("local_service", r"largest = 0.15", "largest = 0", "channels.reminders.largest = 0"),
    "no queries": ("b2b_software", r"queries = {.*}", "queries = {}", "so nobody searches and no click can be bought"),
    "low bid": (
        "b2b_software",
        r"highest_bid = 60.0",
        "highest_bid = 9.0",
        "channels.search: highest_bid 9 is not above cost_per_click 9, so no click would ever be bought",
    ),
    "endless stories": ("local_service", r"branching = 0.2", "branching = 1.0", "channels.local_press.branching = 1.0"),
    "firms' move": (
        "packaged_goods",
        r"lose = 0.25",
        "qualify = 0.25",
        "journey.qualify is set, but people who buy for themselves have no such stage or move; leave it out, or write",
    ),
    "firms' effect": (
        "packaged_goods",
        r"effect = { notice = 0.03",
        "effect = { propose = 0.03",
        "effect.propose is set",
    ),
    "firms' queries": ("packaged_goods", r"queries = { aware", "queries = { opportunity", "queries.opportunity is set"),
    "firms' pace": (
        "local_service",
        r"pace = { consider = 1.2",
        "pace = { accept = 1.2",
        "segments.suburbs.pace.accept is set",
    ),
    "no way to buy": (
        "b2b_software",
        r"propose = 0.20\n",
        "",
        "journey.propose is 0 in a business market, so no lead can ever become a customer; set it",
    ),
    "not qualified": (
        "b2b_software",
        r"qualify = 0.10\n",
        "qualify = 0\n",
        "journey.qualify is 0 in a business market",
    ),
    "not accepted": ("b2b_software", r"accept = 0.06\n", "accept = 0.0\n", "journey.accept is 0 in a business market"),
    "sales of a shop": (
        "online_retail",
        r"\[season\]",
        "[sales]\nreps = 3\nload = 4\npatience = 5\n\n[season]",
        "[sales] needs opportunities to work; write ladder =",
    ),
    "nobody sells": ("b2b_software", r"reps = \d+", "reps = 0", "sales.reps = 0: must be greater than 0"),
    "no patience": ("b2b_software", r"patience = \d+", "patience = 0", "sales.patience = 0: must be greater"),
    "unknown ladder": ("b2b_software", r'ladder = "business"', 'ladder = "circle"', "ladder = 'circle'"),
    "a cycle": (
        "b2b_software",
        r"notice = 0.004\n",
        'notice = 0.004\nmoves = [["aware", "aware"]]\n',
        "journey.moves is",
    ),
    "a new move": (
        "b2b_software",
        r"stall = ",
        "stroll = ",
        "journey.stroll is not a known key; did you mean 'stall'?",
    ),
    "lift test of nobody": (
        "packaged_goods",
        r'channel = "online_video"',
        'channel = "radio"',
        "lift_tests.online_video_tripled.channel names 'radio', which is no channel here (known: television,",
    ),
    "lift test of all": (
        "packaged_goods",
        r"share = 0.5\n",
        "share = 1\n",
        "lift_tests.online_video_tripled.share = 1",
    ),
    "a channel named as the rivals": ("packaged_goods", r"\[channels.search\]", "[channels.rivals]", "channels.rivals"),
    "price below zero": ("packaged_goods", r"discount = 0.15", "discount = 1.2", "promotions.spring.discount = 1.2"),
    "liked when dear": ("packaged_goods", r"elasticity = -2.6", "elasticity = 2.6", "purchase.elasticity = 2.6"),
    "rivals without money": ("packaged_goods", r"mean = 2_600_000", "mean = 0", "rivals.spending.mean = 0"),
    "rivals' boost": ("packaged_goods", r"pull = [\d.]+", "pull = -1", "rivals.pull = -1"),
}


@pytest.mark.parametrize("name", MARKETS)
def test_every_sample_market_loads_and_covers_paid_earned_shared_and_owned(name):
    market = load(sample_folder("configs") / f"{name}.toml", Market)
    assert {channel.kind for channel in market.channels.values()} == {"paid", "earned", "shared", "owned"}
    assert 5 <= len(market.channels) <= 7
    assert Market.model_validate(market.model_dump()) == market


def test_no_sample_market_is_left_out_here():
    assert {path.stem for path in sample_folder("configs").glob("*.toml")} == set(MARKETS)


@pytest.mark.parametrize(("pattern", "written", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place_and_remedy(pattern, written, told):
    refuse(TEXTS["online_retail"], pattern, written, told)


@pytest.mark.parametrize(("name", "pattern", "written", "told"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_market_is_refused(name, pattern, written, told):
    """Cycles cannot even be written: the ladders are part of the program, and a key of another move is unknown."""
    refuse(TEXTS[name], pattern, written, told)


def refuse(good, pattern, written, told):
    text, changed = re.subn(pattern, written, good, count=1)
    assert changed == 1
    with pytest.raises(InputError) as caught:
        parse(text, Market, "market.toml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("market.toml")


def test_a_bare_name_is_a_sample_and_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = type(tmp_path)("online_retail")
    assert sample("configs", here) == sample_folder("configs") / "online_retail.toml"
    assert sample("configs", type(tmp_path)("mine/online_retail")) == type(tmp_path)("mine/online_retail")
    mine = type(tmp_path)("online_retail.toml")
    (tmp_path / mine).write_text("x = 1")
    assert sample("configs", mine) == mine


def test_an_unknown_bare_name_lists_the_samples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no sample of that name; use a path, or one of .*online_retail"):
        sample("configs", type(tmp_path)("offline_retail"))
