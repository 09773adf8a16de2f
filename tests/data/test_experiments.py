"""Experiments: read strictly, laid upon periods and geos, and turned into two arms that differ by the test."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.experiments import Experiment, Experiments
from engine.config.model import ChannelColumns, Data, Model
from engine.data.dataset import Dataset
from engine.data.experiments import arms, lift_tests, placed
from engine.errors import InputError
from engine.periods import starts, step

HEADER = "name,channel,start,end,spend_change,outcome_change,standard_error"
GOOD = "spring,tv,2024-02-05,2024-02-18,50,400,90"
FILE = '[experiments]\nfile = "tests.csv"\n'
INLINE = """[[experiments.test]]
name = "spring"
channels = ["tv"]
start = 2024-02-05
end = 2024-02-18
spend_change = 50
outcome_change = 400
standard_error = 90
"""


@pytest.fixture
def told(tmp_path, tables):
    """`told(*rows, header=HEADER, declared="", rest=FILE)`: the tests of a small history, from a table beside it."""

    def read(*rows, header=HEADER, declared="", rest=FILE, content=None):
        (tmp_path / "tests.csv").write_text("\n".join([header, *rows]) + "\n")
        return tables.read(tmp_path, content or tables.table(), declared, tables.channels + rest).lift_tests

    return read


def made(period="week", geos=1, seed=0, count=10, **changes):
    """A history of two channels, the second on exposure."""
    random = np.random.default_rng(seed)
    spend = random.gamma(2.0, 50.0, (count, geos, 2))
    driver = spend.copy()
    driver[:, :, 1] *= random.uniform(0.5, 2.0, (count, geos))
    fields = {
        "period": period,
        "starts": starts(date(2024, 1, 1), count, period),
        "geos": ("national",) if geos == 1 else tuple(f"g{at}" for at in range(geos)),
        "population": np.arange(1.0, geos + 1),
        "currency": "EUR",
        "outcome_name": "sales",
        "outcome": random.gamma(9.0, 100.0, (count, geos)),
        "is_money": True,
        "channels": ("tv", "pr"),
        "kinds": ("paid", "earned"),
        "spend": spend,
        "driver": driver,
        "control_names": (),
        "controls": np.zeros((count, geos, 0)),
        "event_names": (),
        "events": np.zeros((count, geos, 0)),
    }
    return Dataset(**{**fields, **changes})


def experiment(**changes):
    fields = {
        "name": "one",
        "channels": ("tv",),
        "start": date(2024, 1, 15),
        "end": date(2024, 2, 4),
        "spend_change": 60.0,
        "outcome_change": 200.0,
        "standard_error": 50.0,
    }
    return Experiment(**{**fields, **changes})


# --- reading ---------------------------------------------------------------------------------------


def test_a_table_and_the_model_file_say_the_same(told):
    [from_table] = told(GOOD)
    [from_model] = told(rest=INLINE)
    for one in (from_table, from_model):
        assert (one.name, one.channels, one.columns, one.spend_change) == ("spring", ("tv",), (0,), (50.0,))
        assert (one.start, one.end, one.until) == (date(2024, 2, 5), date(2024, 2, 18), date(2024, 2, 18))
        assert (one.first, one.last, one.final, one.share, one.in_history) == (5, 6, 6, 1.0, False)
        assert (one.outcome_change, one.standard_error, one.stated_error) == (400.0, 90.0, 90.0)
        assert one.inside.tolist() == one.counted.tolist() == [0.0] * 5 + [1.0, 1.0] + [0.0] * 5
        assert one.geos.tolist() == [True]


def test_tables_and_inline_tests_stand_together_and_a_model_without_them_has_none(told, tmp_path, tables):
    both = told(GOOD.replace("spring", "summer").replace("400", "410"), rest=INLINE.replace("[[exp", FILE + "[[exp"))
    assert [one.name for one in both] == ["spring", "summer"]
    assert told(rest="") == ()


def test_several_channels_and_all_optional_columns(told, tables):
    header = HEADER + ",until,geos,share,in_history"
    row = "both,tv + pr,2024-02-07,2024-02-14,5e+1 + -20,400,90,2024-02-20,south; north,0.25,yes"
    [one] = told(row, header=header, declared='geo = "region"', content=tables.regional())
    assert (one.channels, one.columns, one.spend_change) == (("tv", "pr"), (0, 1), (50.0, -20.0))
    assert (one.share, one.in_history, one.geos.tolist()) == (0.25, True, [True, True])
    assert one.inside[5:8] == pytest.approx([5 / 7, 3 / 7, 0]) and one.counted[5:8] == pytest.approx([5 / 7, 1, 2 / 7])
    [north] = told(
        row.replace("south; north", "north"), header=header, declared='geo = "region"', content=tables.regional()
    )
    assert north.geos.tolist() == [True, False]


def test_a_channel_with_a_plus_in_its_name_is_one_channel(tmp_path, tables):
    (tmp_path / "tests.csv").write_text(f"{HEADER}\n{GOOD.replace(',tv,', ',tv+,')}\n")
    renamed = tables.channels.replace("[channels.tv]", '[channels."tv+"]')
    [one] = tables.read(tmp_path, tables.table(), rest=renamed + FILE).lift_tests
    assert one.channels == ("tv+",)


def test_amounts_and_dates_may_be_written_as_in_the_history_or_plainly(told, tables):
    content = tables.table([[*row[:3], f'"{row[3]},0"'] for row in tables.rows])
    declared = 'decimal = ","\nthousands = "."\ndate_format = "%Y-%m-%d"'
    [one] = told('spring,tv,2024-02-05,2024-02-18,"50,5",1.400,90.25', declared=declared, content=content)
    assert (one.spend_change, one.outcome_change, one.stated_error) == ((50.5,), 1400.0, 90.25)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (GOOD.replace(",tv,", ",tvv,"), ["line 2", "channel 'tvv'", "did you mean 'tv'"]),
        (GOOD.replace(",tv,", ",radio,"), ["channel 'radio'", "it has 'tv', 'pr'"]),
        (GOOD.replace("2024-02-05", "2023-02-05"), ["from 2023-02-05", "the history from 2024-01-01 to 2024-03-24"]),
        (GOOD.replace("2024-02-18", "2024-03-25"), ["to 2024-03-25", "leave the test out"]),
        (GOOD.replace("2024-02-18", "2024-02-04"), ["end 2024-02-04 lies before start 2024-02-05"]),
        (GOOD.replace("2024-02-05", "5.2.2024"), ["line 2, column 'start'", "'5.2.2024' is not a date", "YYYY-MM-DD"]),
        (GOOD.replace("2024-02-05", ""), ["column 'start'", "blank"]),
        (GOOD.replace(",90", ",0"), ["standard_error = 0.0", "greater than 0"]),
        (GOOD.replace(",90", ",-3"), ["standard_error = -3.0", "greater than 0"]),
        (GOOD.replace(",90", ",nan"), ["column 'standard_error'", "'nan'"]),
        (GOOD.replace(",400", ",inf"), ["column 'outcome_change'", "infinite"]),
        (GOOD.replace(",400", ","), ["column 'outcome_change'", "blank"]),
        (GOOD.replace(",50,", ",0,"), ["spend_change of 'tv' is 0", "nothing was tested"]),
        (GOOD.replace(",50,", ",lots,"), ["column 'spend_change'", "'lots' is not a number"]),
        (GOOD.replace(",50,", ",-5000,"), ["USD -5,000, which takes away more than the", "in_history"]),
        (GOOD.replace(",50,", ",1e9,"), ["USD 1,000,000,000, and all of history spent USD", "the same unit"]),
        (GOOD.replace(",90", ",1e-9"), ["standard_error is 1e-09, less than", "of the USD", "the unit of the outcome"]),
        (GOOD.replace(",tv,", ",tv+pr,"), ["spend_change has 1 numbers and channels 2 names"]),
        (GOOD.replace(",tv,", ",tv+tv,").replace(",50,", ",50+50,"), ["channel 'tv' is named twice"]),
        (GOOD.replace("spring", ""), ["name = ''"]),
    ],
)
def test_a_bad_row_is_refused_in_one_sentence_with_its_place(told, row, words):
    with pytest.raises(InputError) as caught:
        told(row)
    message = str(caught.value)
    assert not [word for word in ["tests.csv, line 2", *words] if word not in message], message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("header", "cell", "words"),
    [
        ("untill", "2024-02-20", ["'untill' means nothing", "did you mean 'until'"]),
        ("owner", "me", ["'owner' means nothing", "known here: name, channel"]),
        ("until", "2024-02-17", ["until 2024-02-17 lies before end 2024-02-18"]),
        ("share", "0", ["test.share", "greater than 0"]),
        ("share", "50%", ["column 'share'", "percent sign"]),
        ("geos", "north", ["geo 'north'", "no geos"]),
        ("in_history", "maybe", ["column 'in_history'", "'maybe' is neither yes nor no"]),
    ],
)
def test_a_bad_optional_column_is_refused(told, header, cell, words):
    with pytest.raises(InputError) as caught:
        told(f"{GOOD},{cell}", header=f"{HEADER},{header}")
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)


@pytest.mark.parametrize("half_life", ["1e-300", "1e-9", "0.001"])
def test_a_test_that_is_forgotten_at_once_is_read_and_says_nothing(told, half_life):
    [one] = told(GOOD, rest=f"{FILE}half_life = {half_life}\n")
    assert one.stated_error == 90 and 1e15 < one.standard_error < 1e30


def test_evidence_counts_once(told):
    with pytest.raises(InputError, match=r"line 3: the name 'Spring' stands already at .*line 2"):
        told(GOOD, GOOD.replace("spring", "Spring").replace("400", "300"))
    with pytest.raises(InputError, match=r"line 3: says the same as .*line 2"):
        told(GOOD, GOOD.replace("spring", "copy"))


def test_all_bad_rows_are_told_at_once_and_an_unknown_geo_is_named(told, tables):
    with pytest.raises(InputError) as caught:
        told(GOOD.replace(",90", ",0"), GOOD.replace(",400", ",x"))
    assert ["line 2" in line or "line 3" in line for line in str(caught.value).splitlines()] == [True, True]
    with pytest.raises(InputError, match=r"geo 'nort' is not in the history; did you mean 'north'"):
        told(f"{GOOD},nort", header=f"{HEADER},geos", declared='geo = "region"', content=tables.regional())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[experiments]\nhalf_life = 52\n", ["experiments: a file or at least one"]),
        ('[experiments]\nfile = "none.csv"\n', ["none.csv: no such file"]),
        (FILE + "half_life = 0\n", ["experiments.half_life", "greater than 0"]),
        (INLINE.replace("2024-02-18", "2024-02-01"), ["experiments.test.0", "lies before start"]),
        (INLINE.replace('["tv"]', "[]"), ["experiments.test.0.channels"]),
        (INLINE.replace('["tv"]', '["tw"]'), ["model.toml: experiment 'spring'", "channel 'tw'"]),
        (INLINE.replace("= 50", "= [50, 20]"), ["spend_change has 2 numbers and channels 1"]),
        (INLINE + "geos = ['a', 'a']\n", ["geo 'a' is named twice"]),
        (INLINE + "geo = 'a'\n", ["geo is not a known key; did you mean 'geos'"]),
    ],
)
def test_a_bad_table_in_the_model_file_is_refused(told, text, words):
    with pytest.raises(InputError) as caught:
        told(GOOD, rest=text)
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)


# --- laws ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["day", "week", "month"]), st.integers(0, 9), st.integers(0, 60), st.integers(0, 60))
def test_each_period_weighs_by_its_days_in_the_test(period, skip, length, late):
    dataset = made(period)
    final = step(dataset.starts[-1], 1, period) - timedelta(days=1)
    first = min(dataset.starts[0] + timedelta(days=skip), final)
    last = min(first + timedelta(days=length), final)
    until = min(last + timedelta(days=late), final)
    one = placed(experiment(start=first, end=last, until=until), dataset)
    for weights, end in ((one.inside, last), (one.counted, until)):
        for at, begin in enumerate(dataset.starts):
            days = [begin + timedelta(days=k) for k in range((step(begin, 1, period) - begin).days)]
            assert weights[at] == pytest.approx(np.mean([first <= day <= end for day in days]))
    assert np.flatnonzero(one.inside)[[0, -1]].tolist() == [one.first, one.last]
    assert np.flatnonzero(one.counted)[[0, -1]].tolist() == [one.first, one.final]


def test_a_half_life_doubles_the_variance_and_the_newest_test_does_not_age():
    dataset = made(count=10)
    ended = [placed(experiment(end=dataset.starts[at] + timedelta(days=6)), dataset, 3.0) for at in (9, 6, 3)]
    assert [one.standard_error**2 / 50.0**2 for one in ended] == pytest.approx([1.0, 2.0, 4.0])
    assert {one.stated_error for one in ended} == {50.0}
    assert placed(experiment(), dataset).standard_error == 50.0


def test_what_the_periods_cannot_tell_widens_the_standard_error():
    """Errors of the reading go with the effect, and age with both; a test by whole periods keeps its own."""
    dataset = made("month")
    days = {"start": date(2024, 2, 9), "end": date(2024, 2, 22)}
    one = placed(experiment(**days, outcome_change=-500.0), dataset)
    assert 0.1 < one.reading.blur < 0.3
    assert one.standard_error**2 == pytest.approx(50.0**2 + (one.reading.blur * 500.0) ** 2)
    assert placed(experiment(**days, outcome_change=-500.0), dataset, 4.0).standard_error ** 2 == pytest.approx(
        one.standard_error**2 * 2 ** (8 / 4)
    )
    later = placed(experiment(**days, until=date(2024, 4, 30)), dataset)
    assert later.reading.blur < 0.001 and later.standard_error == pytest.approx(50.0, rel=1e-4)
    whole = placed(experiment(start=date(2024, 2, 1), end=date(2024, 2, 29)), dataset)
    assert whole.reading == (1.0, 1.0, 1.0, 0.0) and whole.standard_error == 50.0


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({}, 1.0),
        ({"in_history": True}, 2.0),
        ({"in_history": True, "share": 0.4}, 1.0),
        ({"share": 0.4}, 1.0),
    ],
)
@pytest.mark.parametrize("geos", [(), ("g0",)])
def test_what_the_rows_of_the_history_told_already_counts_half(changes, factor, geos):
    """Of everybody in some rows it is read from them; between people of the same rows it tells what they do not."""
    one = placed(experiment(geos=geos, **changes), made(geos=2))
    assert one.standard_error**2 == pytest.approx(factor * 50.0**2) and one.stated_error == 50.0
    assert one.is_in_rows == (factor > 1)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (
            date(2024, 2, 9),
            date(2024, 2, 12),
            "parts of a month, .* until 2024-02-12 to no better than 41 %; count its outcome until 2024-02-29, the",
        ),
        (date(2024, 2, 28), date(2024, 2, 29), "until 2024-02-29 to no better than .*until 2024-03-31, the end of"),
        (date(2024, 10, 28), date(2024, 10, 29), "to no better than [0-9]* %; bring history by smaller periods"),
    ],
)
def test_a_test_that_the_periods_cannot_tell_is_refused(start, end, words):
    channels = {name: ChannelColumns(kind="paid", spend=name) for name in ("tv", "pr")}
    told = Experiments(test=(experiment(start=start, end=end),))
    model = Model(data=Data(date="date", outcome="sales"), channels=channels, experiments=told)
    with pytest.raises(InputError, match=f"experiment 'one': its days are .*{words}"):
        lift_tests(made("month"), model, Path("model.toml"))


@pytest.mark.parametrize("geos", [1, 3])
@pytest.mark.parametrize("change", [40.0, -20.0])
@pytest.mark.parametrize("share", [1.0, 0.4])
def test_the_arms_differ_by_the_changed_money_and_only_within_the_test(geos, change, share):
    dataset = made(geos=geos)
    named = () if geos == 1 else ("g0", "g2")
    test = placed(experiment(spend_change=change, share=share, geos=named), dataset)
    two = arms(dataset, test)
    difference = two.changed - two.left_alone
    assert share * difference.sum() == pytest.approx(change)
    assert not difference[:, :, 1].any() and not difference[[0, 1, 5, 6, 7, 8, 9]].any()
    assert geos == 1 or not difference[:, 1].any()
    assert np.array_equal(two.left_alone, dataset.driver)
    factor = (two.changed / two.left_alone)[2:5, 0, 0]
    assert factor == pytest.approx(np.full(3, factor[0]))


def test_a_holdout_of_everything_leaves_nothing_and_two_holdouts_are_two():
    dataset = made(geos=2)
    money = [-float(dataset.spend[2:5, :, at].sum()) for at in (0, 1)]
    test = placed(experiment(channels=("tv", "pr"), spend_change=tuple(money)), dataset)
    two = arms(dataset, test)
    assert two.changed[2:5] == pytest.approx(np.zeros((3, 2, 2)), abs=1e-9)
    assert (two.changed[5:] == dataset.driver[5:]).all()


def test_half_a_week_changes_half_a_week():
    dataset = made()
    week = float(dataset.spend[3, 0, 0])
    test = placed(experiment(start=date(2024, 1, 22), end=date(2024, 1, 24), spend_change=-week * 3 / 7), dataset)
    assert arms(dataset, test).changed[3, 0, 0] == pytest.approx(week * 4 / 7)


def test_money_that_the_history_holds_already_is_taken_out_of_what_was_left_alone():
    dataset = made()
    more = placed(experiment(spend_change=90.0, in_history=True, share=0.3), dataset)
    two = arms(dataset, more)
    assert (dataset.driver - two.left_alone).sum() == pytest.approx(90.0)
    assert 0.3 * (two.changed - two.left_alone).sum() == pytest.approx(90.0)
    whole = arms(dataset, replace(more, share=1.0))
    np.testing.assert_allclose(whole.changed, dataset.driver, rtol=1e-12)


def test_a_holdout_that_left_a_hole_in_the_history_is_filled_as_usual_by_geo():
    spend = made(geos=2).spend.copy()
    spend[2:5] = 0.0
    dataset = made(geos=2, spend=spend, driver=spend)
    test = placed(experiment(spend_change=-60.0, in_history=True), dataset)
    two = arms(dataset, test)
    assert two.changed[2:5, :, 0] == pytest.approx(np.zeros((3, 2)), abs=1e-12)
    by_geo = two.left_alone[2:5, :, 0].sum(axis=0)
    assert by_geo.sum() == pytest.approx(60.0)
    assert by_geo / by_geo.sum() == pytest.approx(spend[:, :, 0].mean(axis=0) / spend[:, :, 0].mean(axis=0).sum())


def test_more_than_the_history_holds_cannot_be_in_it(told):
    with pytest.raises(InputError, match=r"spend_change of 'tv' is USD 5,000, above the USD .*in_history"):
        told(f"{GOOD.replace(',50,', ',5000,')},yes", header=f"{HEADER},in_history")


def test_a_holdout_in_a_share_of_the_people_removes_at_most_their_share(told, tables):
    spent = sum(float(row[1]) for row in tables.rows[5:7])
    row = f"spring,tv,2024-02-05,2024-02-18,{-0.2 * spent},-400,90,0.2"
    [one] = told(row, header=f"{HEADER},share")
    assert one.share == 0.2
    with pytest.raises(InputError, match=r"on a share of 0.1 of the people"):
        told(row.replace(",0.2", ",0.1"), header=f"{HEADER},share")
