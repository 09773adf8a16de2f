"""Shocks and the terms of a stress test as TOML: what is taken, and every contradiction in words."""

import re

import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.config.shocks import OF_CHANNELS, UNFORESEEN, Shock, Spread
from engine.errors import InputError

HEAD = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52 }\nbudget = { total = 1 }\n'
SHOCK = "[[shocks]]\n"
WHOLE = {  # each kind with what it needs, and nothing else
    "price": "factor = 1.2",
    "effectiveness": "factor = 0.8",
    "outage": "",
    "demand": "factor = 0.9",
    "season": "factor = 1.5\nshift = 2\nfrom = 2027-03-01\nuntil = 2027-04-01",
    "competitor": "factor = 1.3\nelasticity = -0.1",
    "curves": "factor = 0.9",
    "budget": "factor = 0.8",
    "capacity": "factor = 0.5",
    "delay": "shift = 4",
}


def read(text: str) -> Scenario:
    return parse(HEAD + text, Scenario, "q.toml")


def shock(kind: str, more: str = "") -> Shock:
    return read(f'{SHOCK}kind = "{kind}"\n{WHOLE[kind]}\n{more}\n').shocks[0]


def refusal(text: str) -> str:
    with pytest.raises(InputError) as told:
        read(text)
    return str(told.value)


@pytest.mark.parametrize("kind", WHOLE)
def test_each_kind_is_taken_with_what_it_needs(kind):
    found = shock(kind)
    assert (found.kind, found.channels, found.chance, found.known_after) == (kind, (), 1.0, None)
    assert not found.is_random
    assert found.is_plannable == (kind not in UNFORESEEN)


@pytest.mark.parametrize("kind", WHOLE)
def test_channels_are_named_by_kinds_of_channels_alone(kind):
    if kind in OF_CHANNELS:
        assert shock(kind, 'channels = ["tv"]').channels == ("tv",)
    else:
        assert f"{kind} moves every channel" in refusal(f'{SHOCK}kind = "{kind}"\n{WHOLE[kind]}\nchannels = ["tv"]\n')


@pytest.mark.parametrize("more", ["chance = 0.5", "within = 4"])
@pytest.mark.parametrize("kind", WHOLE)
def test_chance_makes_any_shock_random_and_no_plan_reckons_with_it(kind, more):
    found = shock(kind, more)
    assert found.is_random
    assert not found.is_plannable
    told = refusal(f'{SHOCK}kind = "{kind}"\n{WHOLE[kind]}\n{more}\nexpected = true\n')
    assert "a plan reckons with what surely comes" in told


@pytest.mark.parametrize("kind", WHOLE)
def test_what_surely_comes_can_be_expected_where_a_plan_can_reckon_with_it(kind):
    if kind in UNFORESEEN:
        told = refusal(f'{SHOCK}kind = "{kind}"\n{WHOLE[kind]}\nexpected = true\n')
        assert "and the kinds budget, capacity, delay" in told
    else:
        assert shock(kind, "expected = true").expected


@pytest.mark.parametrize(
    ("kind", "key"),
    [(kind, line.split(" = ")[0]) for kind, lines in WHOLE.items() for line in lines.splitlines()],
)
def test_nothing_of_what_a_kind_needs_may_be_left_out(kind, key):
    lines = "\n".join(line for line in WHOLE[kind].splitlines() if not line.startswith(key))
    words = {"factor": "needs a factor", "shift": "need a shift", "elasticity": "needs an elasticity"}
    assert words.get(key, "season needs from and until") in refusal(f'{SHOCK}kind = "{kind}"\n{lines}\n')


@pytest.mark.parametrize(
    ("spread", "words"),
    [
        ("{}", "give one of these whole"),
        ("{ low = 0.5, mode = 0.8, high = 1.0, values = [0.5] }", "give one of these whole"),
        ("{ low = 0.5, mode = 0.8, high = 1.0, p05 = 0.5, p95 = 1.0 }", "give one of these whole"),
        ("{ p05 = 0.5, p95 = 1.0, values = [1.0] }", "give one of these whole"),
        ("{ low = 0.5, high = 1.0 }", "give one of these whole"),
        ("{ p05 = 0.5 }", "give one of these whole"),
        ("{ p05 = 0.5, mode = 0.8 }", "give one of these whole"),
        ("{ chances = [1.0] }", "give one of these whole"),
        ("{ low = 0.9, mode = 0.8, high = 1.0 }", "low, mode, high are 0.9, 0.8, 1; give them by rising size"),
        ("{ p05 = 1.1, p95 = 0.9 }", "p05, p95 are 1.1, 0.9"),
        ("{ p05 = 0.0, p95 = 0.9 }", "greater than 0"),
        ("{ values = [0.5, 1.0], chances = [1.0] }", "1 chances stand beside 2 values"),
        ("{ values = [0.5, 1.0], chances = [0.5, 0.6] }", "the chances add up to 1.1"),
        ("{ values = [0.5, 1.0], chances = [1.5, -0.5] }", "chances"),
        ("{ p05 = 0.001, p95 = 1.5 }", "p95 is more than 1000 times p05, which says nothing; bring the two nearer"),
        ("{ p05 = 1e-300, p95 = 10 }", "p95 is more than 1000 times p05"),
        ("{ values = [50, 80] }", "write 1.5 for 50 % more or dearer, 0.5 for 50 % less or cheaper"),
        ("{ lo = 0.5 }", "did you mean 'low'"),
    ],
)
def test_a_spread_has_one_form_whole_and_in_order(spread, words):
    assert words in refusal(f'{SHOCK}kind = "demand"\nfactor = {spread}\n')


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        ("15", "write 1.15 for 15 % more or dearer, 0.85 for 15 % less or cheaper"),
        ("85", "write 1.85 for 85 % more or dearer, 0.15 for 85 % less or cheaper, 0.85 for 85 % of what it was"),
        ("120.0", "write 2.2 for 120 % more or dearer, 1.2 for 120 % of what it was"),
        ("950", "write 9.5 for 950 % of what it was"),
        ("1_001", "write 1.15 for 15 % more or dearer, 0.85 for 15 % less or cheaper"),
        ("1e300", "write 1.15 for 15 % more or dearer, 0.85 for 15 % less or cheaper"),
        ("-15", "none is below 0; write 0.85 for 15 % less or cheaper"),
        ("-0.15", "none is below 0; write 0.85 for 15 % less or cheaper"),
        ("-1e300", "none is below 0; write 0 for 100 % less or cheaper"),
        ("inf", "a finite number"),
        ("nan", "a finite number"),
        ('"0.85"', "a number is needed; write a plain number"),
        ("true", "a number is needed"),
        ("[0.5, 1.5]", "a number is needed"),
        ("{ low = 0.5 }", "a spread is low, mode and high; or p05"),
        ("{ lo = 0.5, mode = 0.8, high = 1.0 }", "factor.lo is not a known key; did you mean 'low'?"),
        ("{ low = 50, mode = 0.8, high = 1.0 }", "factor.low = 50: a factor multiplies"),
        ("{ low = 0.5, mode = 0.8, high = '1' }", "factor.high = '1': a number is needed"),
    ],
)
def test_a_factor_that_is_none_is_told_in_one_sentence_of_the_form_that_was_meant(factor, words):
    told = refusal(f'{SHOCK}kind = "price"\nfactor = {factor}\n')
    assert words in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("factor", ["15", "50", "85", "120", "899", "1000", "5000", "-15", "-0.3", "-200"])
def test_each_factor_that_a_refusal_names_is_taken(factor):
    told = refusal(f'{SHOCK}kind = "demand"\nfactor = {factor}\n')
    named = re.findall(r"([\d.]+) for [\d.]+ %", told)
    assert named
    for one in named:
        assert read(f'{SHOCK}kind = "demand"\nfactor = {one}\n').shocks[0].size == float(one)


@pytest.mark.parametrize(
    ("spread", "least"),
    [
        ("{ low = 0.5, mode = 0.8, high = 1.0 }", 0.5),
        ("{ low = 0.7, mode = 0.7, high = 0.7 }", 0.7),
        ("{ p05 = 0.6, p95 = 0.9 }", 0.6),
        ("{ values = [0.9, 0.4, 1.0] }", 0.4),
        ("{ values = [0.9, 0.4], chances = [0.7, 0.3] }", 0.4),
    ],
)
def test_each_form_of_a_spread_is_taken_and_is_random(spread, least):
    found = read(f'{SHOCK}kind = "demand"\nfactor = {spread}\n').shocks[0]
    assert isinstance(found.factor, Spread)
    assert found.factor.least == least
    assert found.is_random
    assert not found.is_plannable
    assert "expected goes without chance" in refusal(f'{SHOCK}kind = "demand"\nfactor = {spread}\nexpected = true\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "price"\nfactor = 1.1\nchance = 1.2', "chance = 1.2"),
        ('kind = "price"\nfactor = 1.1\nchance = -0.1', "chance = -0.1"),
        ('kind = "outage"\nfactor = 0.5', "an outage takes none"),
        ('kind = "delay"\nshift = 2\nfactor = 0.5', "a delay has a shift"),
        ('kind = "delay"\nshift = -2', "a delay is of 0 periods or more"),
        ('kind = "price"\nfactor = 1.1\nshift = 2', "the other kinds take none"),
        ('kind = "price"\nfactor = 1.1\nelasticity = -0.1', "the other kinds take none"),
        ('kind = "competitor"\nfactor = 1.1\nelasticity = 0.1', "elasticity = 0.1"),
        ('kind = "competitor"\nfactor = 0.0\nelasticity = -0.1', "competitor needs a factor above 0"),
        ('kind = "price"\nfactor = { values = [0.0, 1.1] }', "0.01 or more"),
        ('kind = "competitor"\nfactor = 1e-300\nelasticity = -5', "above 0: 0.01 or more"),
        ('kind = "outage"\nfrom = 9999-12-31', "from = 9999-12-31: must be less than or equal to 2999-12-31"),
        ('kind = "outage"\nuntil = 0001-01-01', "until = 0001-01-01: must be greater than or equal to 1900-01-01"),
        ('kind = "competitor"\nfactor = { low = 0.0, mode = 1.0, high = 2.0 }\nelasticity = -0.1', "above 0"),
        ('kind = "season"\nfactor = 0.0\nshift = 1\nfrom = 2027-03-01\nuntil = 2027-04-01', "above 0"),
        ('kind = "season"\nfactor = 1.5\nshift = 1\nfrom = 2027-03-01', "season needs from and until"),
        ('kind = "price"\nfactor = 1.1\nfrom = 2027-03-01\nuntil = 2027-03-01', "is not before until"),
        ('kind = "price"\nfactor = 1.1\nrecovery = 3', "recovery follows until"),
        ('kind = "outage"\nonset = 2', "takes no onset and no recovery"),
        ('kind = "outage"\nuntil = 2027-03-01\nrecovery = 2', "takes no onset and no recovery"),
        ('kind = "price"\nfactor = 1.1\nonset = -1', "onset = -1"),
        ('kind = "price"\nfactor = 1.1\nwithin = 0', "within = 0"),
        ('kind = "price"\nfactor = 1.1\nknown_after = -1', "known_after = -1"),
        ('kind = "price"\nfactor = 1.1\nunitl = 2027-03-01', "did you mean 'until'"),
        ('kind = "strike"\nfactor = 1.1', "kind = 'strike'"),
        ("factor = 1.1", "kind"),
    ],
)
def test_a_shock_that_contradicts_itself_is_refused_in_words(text, words):
    told = refusal(f"{SHOCK}{text}\n")
    assert words in told
    assert "shocks" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[stress.correlation]\na = { b = 1.5 }", "b = 1.5"),
        ("[stress.correlation]\na = { b = -1.01 }", "b = -1.01"),
        ("[stress]\nlevel = 0.0", "level = 0.0"),
        ("[stress]\nlevel = 1.0", "level = 1.0"),
        ("[stress]\nlevel = 0.95", "write 0.05 for the worst 5 %"),
        ("[stress]\nlevel = 5", "write 0.05 for the worst 5 %"),
        ("[stress]\nlevel = 95", "write 0.05 for the worst 5 %"),
        ("[stress]\nlevel = 1e300", "write 0.05 for the worst 5 %"),
        ("[stress]\ndiscount_rate = 8", "write 0.08 for 8 %"),
        ("[stress]\nsales = 3", "sales = 3: one value where a table is needed; write { leads = .., people = .., "),
        ("[stress]\nsales = [3]", "sales: a list where a table is needed; write { leads = .., people = .., "),
        ("[stress]\npaths = 0", "paths = 0"),
        ("[stress]\nreserve = 1.0", "reserve = 1.0"),
        ("[stress]\nband = 0.0", "band = 0.0"),
        ("[stress]\nnotice = { tv = -1 }", "tv = -1"),
        ("[stress]\ntarget = 0", "target = 0"),
        ("[stress]\nmargin = 30", "margin = 30"),
        ("[stress]\npathes = 100", "did you mean 'paths'"),
        ("[stress.sales]\nleads = 2\npeople = 3\nhandling = 1", "patience"),
        ('[stress.sales]\nleads = 2\npeople = 3\nhandling = 1\npatience = 2\nservice = "slow"', "service = 'slow'"),
        ("[stress.sales]\nleads = 2\npeople = 0\nhandling = 1\npatience = 2", "people = 0"),
        ("[stress.cash]\ncustomers_pay_after = -1", "customers_pay_after = -1"),
        ("[stress.cash]\ncustomers_pay = 1", "customers_pay"),
    ],
)
def test_terms_of_a_stress_test_that_make_no_sense_are_refused(text, words):
    assert words in refusal(text + "\n")


def test_a_scenario_without_a_word_about_stress_has_usual_terms_and_no_shocks():
    found = read("")
    assert found.shocks == ()
    assert found.stress.correlation == {}
    assert found.stress.sales is None
    assert (found.stress.cash.customers_pay_after, found.stress.cash.media_paid_after) == (0, 0)
