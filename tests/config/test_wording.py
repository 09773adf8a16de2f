"""What is wrong with a scenario is told in the words of the file, whatever stands where something else is needed."""

import re

import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InputError

HEAD = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52 }\nbudget = { total = 100 }\n'
LIBRARY = re.compile(  # words of Python and of the library that checks values
    r"\b(None|True|False|dict|list\[|float|int|str|tuple|dictionary|boolean|string|integer|instance|input|pydantic"
    r"|datetime|iterable|mapping|Error|valid)\b|\('"
)
LINES = {  # one line that TOML cannot read: what to write instead
    "share = .9": "write 0.9",
    "shares = [0.5, .25]": "write 0.25",
    "share = 9.": "write 9.0",
    "share = 50 %": "0.15 for 15 %",
    "total = 1,000,000": "write 1_000_000",
    "budget = { total = 1,000,000 }": "write 1_000_000",
    "total = 1 000 000": "write 1_000_000",
    "total = 0,5": "the decimal sign is a point",
    "start = 04.01.2027": "write a date as 2027-01-04",
    "start = 2027/01/04": "write a date as 2027-01-04",
    "start = 2027-02-30": "no such day",
    "number = 007": "does not begin with 0",
    "from_history = True": "in small letters",
    "cap = None": "leave the key out",
    "cap =": "write a value",
    "cap = $500": "without its currency",
    "cap = 2m": "in full",
    "kind = paid": 'write "paid"',
    'kind = "paid': "a quotation mark is missing",
    "kind = \u201cpaid\u201d": "plain quotation marks",
    "cap =\u00a05": "write a plain blank",
    "cap: 5": "stands =; write key = value",
    "cap 5": "write key = value",
    "[channels.tv": "not closed",
    "[channels.tv spot]": "a name with a blank stands in quotes",
    "relative = { max = 1, }": "leave it out",
    "relative = { min = 0, max = 1": "write } behind its last key",
    "relative = { min = 0 max = 1 }": "stand commas",
    "shares = [1, 2": "write ] behind its last entry",
    "// a comment": "begins with #",
}


def refusal(text):
    with pytest.raises(InputError) as caught:
        parse(text, Scenario, "q.toml")
    return str(caught.value)


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_no_toml_is_told_with_its_number_and_what_to_write_instead(line):
    told = refusal(f"{HEAD}{line}\n")
    assert told.startswith("q.toml, line 4: not TOML (") or "not closed" in told
    assert LINES[line] in told


def test_a_table_that_stands_twice_is_named_as_it_is_written():
    assert "[channels.tv] twice" in refusal(HEAD + "[channels.tv]\n[channels.tv]\n")


VALUES = ["'text'", "''", "[]", "[1, 'a']", "{}", "{ a = 1 }", "[{ a = 1 }]", "true", "2026-01-01", "12:00:00"]
VALUES += ["2026-01-01T00:00:00", "1.5", "-1", "inf", "nan", "9e99", "99999999999999999999"]
KEYS = [
    "name", "horizon", "horizon.start", "horizon.periods", "horizon.decide", "horizon.tail", "budget", "budget.total",
    "budget.quarters", "budget.reserve", "goal", "goal.margin", "goal.margins", "goal.margins.tv", "goal.lifetime",
    "goal.lifetime.weeks", "risk", "risk.measure", "risk.level", "ramp", "ramp.max_change", "ramp.from_history",
    "last_plan", "last_plan.file", "last_plan.channels", "last_plan.channels.tv", "learn", "learn.share",
    "learn.channels", "soft", "soft.ramp", "every_channel", "channels", "channels.tv", "channels.tv.floor",
    "channels.tv.flight", "channels.tv.flight.from", "channels.tv.committed", "channels.tv.tiers",
    "channels.tv.relative", "channels.tv.relative.min", "channels.tv.flighting", "channels.tv.step", "groups",
    "groups.a", "groups.a.kinds", "groups.a.channels", "groups.a.share", "groups.a.share.min", "groups.a.active",
    "active", "active.max", "roles", "roles.brand", "strategy", "strategy.kinds", "strategy.kinds.paid", "shocks",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_no_value_of_a_wrong_kind_is_refused_in_the_words_of_a_library(key):
    refused = 0
    for value in VALUES:
        kept = [line for line in HEAD.splitlines() if not line.startswith(key.partition(".")[0])]
        try:
            parse("\n".join([f"{key} = {value}", *kept]), Scenario, "q.toml")
        except InputError as fault:
            refused += 1
            said = re.sub(r" = '[^']*'", "", str(fault))
            assert not LIBRARY.search(said), said
    assert refused > len(VALUES) / 2


PERCENTAGES = {  # a percentage where a share or a multiple is meant
    "groups.a = { kinds = ['paid'], share = { min = 50 } }": "write 0.5 for 50 %",
    "ramp = { max_change = 15 }\n": "write 0.15 for 15 %",
    "learn = { share = 5 }": "write 0.05 for 5 %",
    "goal = { maximise = 'profit', margin = 40 }": "write 0.4 for 40 %",
    "goal = { maximise = 'profit', margin = 0.4, discount_rate = 8 }": "write 0.08 for 8 %",
    "strategy = { kinds = { paid = 70 } }": "write 0.7 for 70 %",
    "channels.tv.relative = { max = 150 }": "write 1.5 for 150 %",
    "channels.tv.tiers = [{ above = 9, price = 90 }]": "write 0.9 for 90 %",
    "channels.tv.tiers = [{ above = 9, price = 110 }]": "write 1.1 for 110 %",
    "shocks = [{ kind = 'price', factor = 120 }]": "1.2 for 120 % of what it was",
}


@pytest.mark.parametrize("line", PERCENTAGES)
def test_a_percentage_where_a_share_or_a_multiple_is_meant_is_told_with_what_to_write(line):
    assert PERCENTAGES[line] in refusal(f"{line}\n{HEAD}")
