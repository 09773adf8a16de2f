"""Scenarios: what is taken, what is refused, and every scenario that comes along."""

from pathlib import Path

import pytest

from engine.config.loading import load, parse
from engine.config.samples import sample_folder
from engine.config.scenario import Scenario
from engine.errors import InputError

HEAD = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52 }\n'


def refusal(text: str) -> str:
    with pytest.raises(InputError) as told:
        parse(text, Scenario, "q.toml")
    return str(told.value)


def test_names_in_capitals_keep_their_place_in_a_message():
    told = refusal(HEAD + 'budget = { total = 9 }\n[channels.TV]\ncap = "a"\n')
    assert told.startswith("q.toml, line 5: channels.TV.cap = 'a'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("budget = { total = 1, at_most = 2 }", "exactly one of total, at_most, of_history"),
        ("budget = {}", "exactly one of total, at_most, of_history"),
        ("budget = { totl = 1 }", "did you mean 'total'"),
        ('budget = { total = 1 }\ngoal = { maximise = "profit" }', "profit needs a margin"),
        ("budget = { total = 1 }\ngoal = { margin = 0.3 }", "go with maximise"),
        ("budget = { total = 1 }\n[channels.tv]\nrelative = { min = 2, max = 1 }", "min 2 is above max 1"),
        ("budget = { total = 1 }\n[channels.tv]\nlocked = 1\ncap = 2", "locked fixes the spend"),
        ("budget = { total = 1 }\n[channels.tv]\nminimum_flight = 3\ncap = 2", "minimum_flight 3 is above cap 2"),
        ("budget = { total = 1 }\n[channels.tv]\nflight = { from = 2027-05-01, until = 2027-05-01 }", "not before"),
        ("budget = { total = 1 }\n[groups.a]\nshare = { max = 0.2 }", "kinds, channels, roles, geos or segments is"),
        ('budget = { total = 1 }\n[groups.a]\nkinds = ["paid"]\nshare = { min = 0.3, max = 0.2 }', "min 0.3 is above"),
        ("budget = { total = 1 }\n[strategy]\nroles = { brand = 60, activation = 40 }", "write 0.6 for 60 %"),
        ("budget = { total = 1 }\n[strategy]\nroles = { brand = 0.6, activation = 0.5 }", "roles take at least 110 %"),
        ("budget = { total = 1 }\n[strategy]\nkinds = { earned = { min = 0.5, max = 0.2 } }", "min 0.5 is above"),
        ("budget = { total = 1 }\n[strategy]\nroles = { brnd = 0.5 }", "strategy.roles.brnd"),
        ("budget = { total = 1 }\n[strategy]\n", "nothing is fixed"),
        ('budget = { total = 1 }\n[roles]\nbrand = ["tv"]\nactivation = ["tv"]', "roles name 'tv' twice"),
        ('budget = { total = 1 }\n[roles]\nsales = ["tv"]', "roles.sales"),
        ('budget = { total = 1 }\n[[shocks]]\nkind = "outage"\nfactor = 0.5', "an outage takes none"),
        ("budget = { total = 1 }\n[ramp]\nmax_change = 0.1", "ramp needs several decisions"),
        ("budget = { total = 1 }\n[channels.tv]\nquarter_cap = 1", "channels.tv.quarter_cap needs several decisions"),
        ("budget = { total = 1 }\n[channels.tv]\nmonth_cap = 1", "channels.tv.month_cap needs decisions by month"),
        ("budget = { total = 1 }\n[channels.tv]\ncommitted = [1]", "channels.tv.committed needs several decisions"),
        ("budget = { total = 9, quarters = [1, 2] }", "quarters add up to 3 and total is 9"),
        ("budget = { target_roas = 5, reserve = 0.1 }", "finds the budget itself"),
        ('budget = { total = 1 }\nrisk = { measure = "probability" }', "target goes with measure"),
        (
            "budget = { total = 9 }\n[channels.tv]\nleast_roas = 1500",
            "least_roas = 1500: this is an outcome of 1500 for each unit of money, where at most 1000 is taken",
        ),
        ("budget = { of_history = 90 }", "of_history = 90: this is 90 times as much, not 90 %"),
        ("budget = { of_history = 90 }", "write 0.9 for 90 %"),
        ("budget = { of_history = 115 }", "write 1.15 for 115 %"),
        ("budget = { of_history = 0 }", "greater than 0"),
        ("budget = { total = 1 }\n[channels.tv]\nrelative = { min = 70, max = 100 }", "write 0.7 for 70 %"),
        ('budget = { total = 1 }\n[[shocks]]\nkind = "price"\nfactor = 110', "1.1 for 110 % of what it was"),
        ('budget = { total = 1 }\n[[shocks]]\nkind = "price"\nfactor = 0.0', "above 0 is needed"),
        ('budget = { total = 1 }\n[[shocks]]\nkind = "price"\nfactor = 1e-300', "0.01 or more"),
        ('budget = { total = 1 }\n[[shocks]]\nkind = "demand"\nfactor = 0.5\nchannels = ["tv"]', "demand moves every"),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(text, words):
    assert words in refusal(HEAD + text + "\n")


def test_a_share_alone_fixes_it_and_bounds_leave_room():
    text = "[strategy]\nroles = { brand = 0.6 }\ngeos = { north = { max = 0.5 } }\n"
    asked = parse(HEAD + "budget = { total = 1 }\n" + text, Scenario, "q.toml").strategy.asked
    assert {axis: {name: (one.least, one.most) for name, one in shares.items()} for axis, shares in asked.items()} == {
        "roles": {"brand": (0.6, 0.6)},
        "geos": {"north": (0.0, 0.5)},
    }


def test_a_start_after_which_the_calendar_ends_is_refused():
    told = refusal(HEAD.replace("2027", "9990") + "budget = { total = 1 }\n")
    assert "horizon.start" in told
    assert "2999-12-31" in told


def samples() -> list[Path]:
    return sorted(sample_folder("scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_every_scenario_that_comes_along_is_read(path):
    assert load(path, Scenario).horizon.periods >= 1


def test_scenarios_that_come_along_have_names_of_their_own():
    assert len({load(path, Scenario).name for path in samples()}) == len(samples()) >= 6


def test_a_message_that_says_what_to_write_ends_with_it():
    assert refusal(HEAD + "budget = { of_history = 90 }\n").endswith("; write 0.9 for 90 %")
