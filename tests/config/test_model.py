"""`model.toml`: what may be declared, and what contradicts itself."""

import tomllib

import pytest

from engine.config.loading import parse
from engine.config.lookalike import look
from engine.config.model import Model, quoted, text_literal
from engine.errors import InputError

DATA = '[data]\ndate = "week"\noutcome = "sales"\n'
TV = '[channels.tv]\nkind = "paid"\nspend = "tv"\n'


def model(text: str) -> Model:
    return parse(text, Model, "model.toml")


def test_the_smallest_model_has_careful_defaults():
    data = model(DATA + TV).data
    assert (data.blank, data.unnamed, data.decimal, data.encoding) == ("refuse", "refuse", ".", "utf-8")
    assert data.thousands is data.date_format is data.date_marks is data.latest is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TV, ["data is missing"]),
        (DATA, ["channels is missing"]),
        (DATA + "[channels]\n", ["channels"]),
        (DATA + 'kpi = "units"\n' + TV, ["either outcome or kpi"]),
        ('[data]\ndate = "week"\n' + TV, ["either outcome or kpi"]),
        (DATA + "value_per_kpi = 2\n" + TV, ["value_per_kpi goes with kpi"]),
        (DATA + 'thousands = "."\n' + TV, ["decimal and thousands are both '.'"]),
        (DATA + 'decimal = ";"\n' + TV, ["line 4", "data.decimal"]),
        (DATA + 'date_format = "%d.%m."\n' + TV, ["names no year"]),
        (DATA + 'date_format = "%Q/%Y"\n' + TV, ["unknown code"]),
        (DATA + 'latest = "2024-01-01"\n' + TV, ["line 4", "data.latest"]),
        (DATA + 'blnk = "zero"\n' + TV, ["line 4", "did you mean 'blank'"]),
        (DATA + '[channels.tv]\nkind = "payed"\nspend = "tv"\n', ["line 5", "channels.tv.kind"]),
        (DATA + '[channels.tv]\nkind = "paid"\n', ["either spend, or exposure with cost_per_exposure"]),
        (DATA + TV + "cost_per_exposure = 1\n", ["without a spend column"]),
        (DATA + TV + TV.replace("channels.tv", "channels.TV").replace('"tv"', '"b"'), ["'tv' and 'TV' look alike"]),
        (DATA + TV + TV.replace("channels.tv", "channels.b"), ["'tv'", "channels.tv.spend", "channels.b.spend"]),
        (DATA + TV + '[controls]\ncolumns = ["tv"]\n', ["'tv'", "controls.columns"]),
        (DATA + TV + '[controls]\ncolumns = ["sales"]\n', ["'sales'", "data.outcome"]),
        (DATA + TV + '[events]\ncolumn = "week"\n', ["'week'", "data.date"]),
    ],
)
def test_a_contradiction_is_refused_with_its_field(text, words):
    with pytest.raises(InputError) as caught:
        model(text)
    assert not [word for word in ["model.toml", *words] if word not in str(caught.value)], str(caught.value)


def test_each_column_is_named_with_the_field_that_asks_for_it():
    text = (
        DATA
        + 'geo = "region"\n'
        + TV
        + 'exposure = "seen"\n[controls]\ncolumns = ["mood"]\n[events]\ncolumns = ["fair"]\n'
    )
    assert dict(model(text).roles()) == {
        "data.date": "week",
        "data.geo": "region",
        "data.outcome": "sales",
        "channels.tv.spend": "tv",
        "channels.tv.exposure": "seen",
        "controls.columns": "mood",
        "events.columns": "fair",
    }


def test_a_long_table_asks_for_its_own_columns_only():
    text = (
        DATA
        + '[data.long]\nchannel = "where"\nspend = "money"\n'
        + TV
        + '[channels.pr]\nkind = "earned"\nspend = "pr"\n'
    )
    assert [column for _, column in model(text).roles()] == ["week", "sales", "where", "money"]


def test_a_value_per_kpi_is_a_column_or_a_number():
    column = '[data]\ndate = "week"\nkpi = "units"\nvalue_per_kpi = "price"\n' + TV
    assert ("data.value_per_kpi", "price") in list(model(column).roles())
    number = model(column.replace('"price"', "2.5"))
    assert number.data.value_per_kpi == 2.5 and "data.value_per_kpi" not in dict(number.roles())


@pytest.mark.parametrize("one", ["tv", "\u0442v", "TV", " tv", "t\u200bv", "ｔｖ"])
def test_names_that_look_like_tv_are_known_as_such(one):
    assert look(one) == look("tv")


@pytest.mark.parametrize("other", ["tv2", "t v", "tw", "", "t-v"])
def test_names_that_differ_to_the_eye_stay_different(other):
    assert look(other) != look("tv")


@pytest.mark.parametrize("name", ["tv", "a b", 'a "b"', "a\\b", "a\nb", "=1", "é", "\x1b", "", "[t]", "#", "a.b"])
def test_a_name_written_as_toml_reads_back(name):
    assert tomllib.loads(f"{quoted(name)} = {text_literal(name)}") == {name: name}
