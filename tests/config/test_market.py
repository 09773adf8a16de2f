"""Markets as people write them: what loads, and what a mistake is told."""

import re

import pytest

from engine.config.loading import load, parse
from engine.config.market import Market
from engine.config.samples import sample, sample_folder
from engine.errors import InputError

MARKETS = ("online_retail", "packaged_goods", "subscription")
TEXT = (sample_folder("configs") / "online_retail.toml").read_text(encoding="utf-8")

MISTAKES = {  # what a pattern in the text of a good market becomes, and what is told
    "shares": (r"share = 0.45", "share = 0.40", "the shares of the segments sum to 0.95 and must sum to 1"),
    "branching": (
        r"branching = [\d.]+",
        "branching = 1.0",
        "channels.press.branching = 1.0: input should be less than",
    ),
    "audience": (r"audience = [\d.]+", "audience = 0", "channels.social.audience = 0: input should be greater than 0"),
    "population": (r"population = \w+", "population = -1", "line 7: population = -1"),
    "hazard": (r"buy = [\d.]+", "buy = -1", "journey.buy = -1: input should be greater than or equal to 0"),
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
    "nan": (r"mean = \w+", "mean = nan", "channels.search.history.mean = nan: input should be a finite number"),
    "text": (r"price = \w+", 'price = "72"', "write a plain number, without quotes"),
}


@pytest.mark.parametrize("name", MARKETS)
def test_every_sample_market_loads_and_covers_paid_earned_shared_and_owned(name):
    market = load(sample_folder("configs") / f"{name}.toml", Market)
    assert {channel.kind for channel in market.channels.values()} == {"paid", "earned", "shared", "owned"}
    assert 5 <= len(market.channels) <= 7
    assert Market.model_validate(market.model_dump()) == market


def test_no_sample_market_is_left_out_here():
    assert {path.stem for path in sample_folder("configs").glob("*.toml")} >= set(MARKETS)


@pytest.mark.parametrize(("pattern", "written", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place_and_remedy(pattern, written, told):
    text, changed = re.subn(pattern, written, TEXT, count=1)
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
