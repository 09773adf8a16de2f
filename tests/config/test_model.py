"""`model.toml`: what may be declared, and what contradicts itself."""

import tomllib

import pytest

from engine.config.loading import parse
from engine.config.lookalike import look
from engine.config.model import Model, quoted, text_literal
from engine.errors import InputError

DATA = '[data]\ndate = "week"\noutcome = "sales"\n'
TV = '[channels.tv]\nkind = "paid"\nspend = "tv"\n'
PR = '[channels.pr]\nkind = "earned"\nspend = "pr"\n'
LONG = DATA + '[data.long]\nchannel = "where"\nspend = "money"\n'
ROAS, SHARE = "roas = { low = 0.5, high = 3.0 }\n", "share = { low = 0.1, high = 0.8 }\n"


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
        (DATA + TV + '[controls]\nprice = "tv"\n', ["'tv'", "controls.price"]),
        (DATA + TV + '[controls]\nprice = "p"\npromotion = "p"\n', ["controls.price and as controls.promotion"]),
        (DATA + TV + 'reach = "r"\n', ["channels.tv", "reach and frequency go together"]),
        (DATA + TV + 'frequency = "f"\n', ["channels.tv", "reach and frequency go together"]),
        (DATA + TV + 'reach = "r"\nfrequency = "f"\nexposure = "e"\n', ["exposure and reach both"]),
        (DATA + '[channels.tv]\nkind = "paid"\nreach = "r"\nfrequency = "f"\n', ["either spend, or exposure"]),
        (LONG + TV + 'reach = "r"\nfrequency = "f"\n', ["reach of 'tv' needs columns of its own"]),
        (DATA + TV + "roas = { low = 3, high = 1 }\n", ["channels.tv.roas", "low 3 is not below high 1"]),
        (DATA + TV + "roas = { low = 1, high = 1 }\n", ["low 1 is not below high 1"]),
        (DATA + TV + "roas = { low = -1, high = 1 }\n", ["channels.tv.roas.low", "-1"]),
        (DATA + TV + "roas = { low = 0, high = 5 }\n", ["channels.tv.roas", "low is 0", "above 0", "0.05 and 5"]),
        (DATA + TV + "share = { low = 0.0, high = 0.5 }\n", ["channels.tv.share", "low is 0", "above 0"]),
        (DATA + TV + "roas = { low = 0.5 }\n", ["channels.tv.roas.high is missing"]),
        (DATA + TV + "roas = 2.0\n", ["line 7: channels.tv.roas = 2.0", "write { low = .., high = .. }"]),
        (DATA + TV + "roas = { low = nan, high = 1 }\n", ["channels.tv.roas.low"]),
        (DATA + TV + "share = { low = 0.1, high = 1.2 }\n", ["channels.tv.share.high = 1.2"]),
        (DATA + TV + "half_life = { low = 0, high = 2 }\n", ["channels.tv.half_life.low = 0"]),
        (DATA + TV + "half_life = { low = 1e-9, high = 2 }\n", ["channels.tv.half_life.low = 1e-09", "0.01"]),
        (DATA + TV + "half_life = { low = 1, high = 1e5 }\n", ["channels.tv.half_life.high = 100000", "10000"]),
        (DATA + TV + "elasticity = { low = 0.1, high = 12 }\n", ["channels.tv.elasticity.high = 12"]),
        (DATA + TV + ROAS + SHARE, ["channels.tv", "roas and share both tell what it contributed"]),
        (DATA.replace("outcome", "kpi") + TV + ROAS, ["roas of 'tv' is money for money", "add value_per_kpi"]),
        (DATA + TV + SHARE.replace("0.1,", "0.6,") + PR + SHARE.replace("0.1,", "0.5,"), ["adds up to 1.1", "above"]),
        (DATA + TV + 'follows_demand = "maybe"\n', ["channels.tv.follows_demand = 'maybe'", "'some'"]),
        (DATA + TV + '[baseline]\ntrend = "smoth"\n', ["baseline.trend = 'smoth'", "'smooth'"]),
        (DATA + TV + "[curves]\ndrift = 1\n", ["curves.drift = 1"]),
        (DATA + TV + '[curves]\nsaturations = "hill"\n', ["did you mean 'saturation'"]),
        (DATA + TV + "[previous]\ndiscount = 0.5\n", ["previous.fit is missing"]),
        (DATA + TV + '[previous]\nfit = "old"\ndiscount = 0.0\n', ["previous.discount = 0.0"]),
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


def test_reach_frequency_price_and_promotion_are_columns_of_the_table():
    exposed = TV + 'reach = "people"\nfrequency = "often"\n'
    told = dict(model(DATA + exposed + '[controls]\nprice = "shelf"\npromotion = "off"\ncolumns = ["mood"]\n').roles())
    assert [column for field, column in told.items() if field.startswith("channels")] == ["tv", "people", "often"]
    assert [told[f"controls.{field}"] for field in ("columns", "price", "promotion")] == ["mood", "shelf", "off"]


def test_what_is_known_of_a_channel_is_read_and_absent_knowledge_is_none():
    known = (
        ROAS + 'half_life = { low = 1, high = 6 }\nelasticity = { low = 0.05, high = 0.3 }\nfollows_demand = "much"\n'
    )
    tv, pr = model(DATA + TV + known + PR).channels.values()
    assert (tv.roas.low, tv.roas.high, tv.half_life.high, tv.elasticity.low) == (0.5, 3.0, 6.0, 0.05)
    assert tv.follows_demand == "much" and tv.share is None
    assert pr.roas is pr.share is pr.half_life is pr.elasticity is pr.follows_demand is None


def test_curves_and_an_earlier_fit_have_defaults():
    plain = model(DATA + TV)
    assert (plain.curves.saturation, plain.curves.adstock, plain.curves.drift) == ("any", "any", False)
    assert plain.previous is None and plain.experiments is None
    after = model(DATA + TV + '[curves]\nsaturation = "hill"\ndrift = true\n[previous]\nfit = "last_fit/"\n')
    assert (after.curves.saturation, after.curves.drift, after.previous.fit, after.previous.discount) == (
        *("hill", True, "last_fit/", 0.5),
    )


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
