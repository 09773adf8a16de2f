"""A data set written and read again is the same data set."""

import tomllib
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config.loading import load
from engine.config.lookalike import look
from engine.config.model import Model, quoted, text_literal
from engine.data.dataset import Dataset
from engine.data.read import read_dataset
from engine.data.table import tamed, untamed
from engine.data.write import write_panel
from engine.errors import InputError
from engine.periods import PERIODS, starts

AWKWARD = ["tv", '=HYPERLINK("http://x","y")', "'=1", "'tv'", 'a "b"', "a\\b", "x,y;z|w", "two\nlines", "Ärger", "date"]
AWKWARD += ["</script>", "\x1b[31m", "#comment", "a.b", "[t]", "+x", "@y", "\u202etv", "1", "spend"]
names = st.one_of(
    st.sampled_from(AWKWARD), st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=12)
)
numbers = st.floats(0, 1e12, allow_subnormal=True)


def same(one: Dataset, other: Dataset) -> bool:
    plain = ("period", "starts", "geos", "currency", "outcome_name", "is_money", "channels", "kinds")
    arrays = ("population", "outcome", "spend", "driver", "controls", "events")
    return all(getattr(one, name) == getattr(other, name) for name in (*plain, "control_names", "event_names")) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def read_again(folder):
    return read_dataset(folder / "panel.csv", load(folder / "model.toml", Model), folder / "model.toml")


def made(period="week", geos=("national",), seed=0, **changes):
    random = np.random.default_rng(seed)
    count, shape = 8, (8, len(geos))
    spend = random.gamma(2.0, 50.0, (*shape, 2))
    fields = {
        "period": period,
        "starts": starts(date(2027, 1, 4), count, period),
        "geos": geos,
        "population": np.ones(len(geos)),
        "currency": "EUR",
        "outcome_name": "sales",
        "outcome": random.gamma(9.0, 100.0, shape),
        "is_money": True,
        "channels": ("tv", "pr"),
        "kinds": ("paid", "earned"),
        "spend": spend,
        "driver": spend,
        "control_names": ("weather",),
        "controls": random.normal(size=(*shape, 1)),
        "event_names": ("fair",),
        "events": (random.random((*shape, 1)) > 0.5).astype(float),
    }
    return Dataset(**{**fields, **changes})


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("geos", [("national",), ("north", "south", "=east")])
def test_every_period_and_both_shapes_read_back_exactly(tmp_path, period, geos):
    dataset = made(period, geos, population=np.arange(len(geos)) * 1000.0 + 1.5)
    write_panel(tmp_path, dataset)
    assert same(dataset, read_again(tmp_path))


def test_an_exposure_driver_reads_back_exactly(tmp_path):
    dataset = made()
    exposure = np.random.default_rng(1).gamma(1.0, 3.0, dataset.spend.shape)
    driver = exposure * (dataset.spend.sum((0, 1)) / exposure.sum((0, 1)))
    dataset = made(driver=driver)
    write_panel(tmp_path, dataset)
    assert same(dataset, read_again(tmp_path))


def test_units_and_month_ends_read_back_exactly(tmp_path):
    ends = (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31))
    dataset = made("month", is_money=False)
    cut = {name: getattr(dataset, name)[:3] for name in ("outcome", "spend", "driver", "controls", "events")}
    dataset = made("month", is_money=False, starts=ends, **cut)
    write_panel(tmp_path, dataset)
    assert same(dataset, read_again(tmp_path))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, min_size=7, max_size=7, unique_by=look), st.lists(numbers, min_size=8, max_size=8))
def test_awkward_names_and_numbers_read_back_exactly_or_are_refused(tmp_path, called, values):
    tv, pr, control, event, outcome, north, south = called
    spend = made(geos=(north, south)).spend.copy()
    spend[:, 0, 0] = values
    dataset = made(
        geos=(north, south),
        channels=(tv, pr),
        control_names=(control,),
        event_names=(event,),
        outcome_name=outcome,
        spend=spend,
        driver=spend,
    )
    try:
        write_panel(tmp_path, dataset)
    except InputError:
        assert any(not name.strip() or not look(name) for name in called)
        return
    assert same(dataset, read_again(tmp_path))


@given(st.text(max_size=30).filter(lambda text: not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)))
def test_toml_text_and_keys_read_back(text):
    assert tomllib.loads(f"{quoted(text)} = {text_literal(text)}") == {text: text}


@given(st.text(max_size=10))
def test_taming_is_undone_and_never_starts_like_a_formula(text):
    assert untamed(tamed(text)) == text
    assert tamed(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"control_names": ("SALES",)}, "look alike"),
        ({"channels": ("tv", "TV")}, "look alike"),
        ({"channels": ("tv", " ")}, "visible"),
        ({"event_names": ("a\x00b",)}, "visible"),
        ({"outcome": np.full((8, 1), np.nan)}, "not finite"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        write_panel(tmp_path, made(**changes))
    assert not list(tmp_path.iterdir())


def test_no_header_cell_runs_as_a_formula(tmp_path):
    write_panel(tmp_path, made(control_names=("=1+1",), geos=("@here", "there")))
    header, first, *_ = (tmp_path / "panel.csv").read_text().splitlines()
    assert "'=1+1" in header and "'@here" in first
    assert not any(cell[:1] in "=+@" for line in (header, first) for cell in line.split(","))
