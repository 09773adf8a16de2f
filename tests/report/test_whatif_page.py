"""What-if pages as text: their size, their numbers, what they save, and that nothing in them runs but their own."""

import base64
import hashlib
import json
import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.report.whatif_page.html import LARGEST, page_html
from engine.report.whatif_page.levers import thinned, what_if_of
from engine.report.whatif_page.numbers import ALPHABET, FULL, LEAST, Columns, read, written
from engine.report.whatif_page.saved import around, of_channel, quoted, toml
from engine.study.whatif_page import _amounts, whatif_page
from tests.browser import fits

HOSTILE = "</script><script>window.PWNED=1</script>"


def data_of(html: str) -> dict:
    """What a page holds."""
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL).group(1))


def many(channels: int, shapes: tuple[str, str], draws: int = 500):
    """Curves of as many channels."""
    random = np.random.default_rng(5)
    return fits.of_channels(*(fits.channel(f"channel {at + 1}", at, shapes, draws, random) for at in range(channels)))


@given(
    arrays(float, st.integers(1, 40), elements=st.floats(-1e12, 1e12) | st.floats(1e-9, 1e9)), st.integers(LEAST, FULL)
)
def test_numbers_come_back_as_near_as_their_letters_tell(values, letters):
    column = written(values, letters)
    assert set(column[3]) <= set(ALPHABET)
    back = read(column, len(values))
    step = len(ALPHABET) ** -float(letters)
    if values.min() > 0:
        np.testing.assert_allclose(back, values, rtol=(1e-12 + step) * (1 + np.log(values.max() / values.min())))
    else:
        np.testing.assert_allclose(back, values, rtol=1e-12, atol=(1e-12 + step) * np.ptp(values))


def test_the_letters_need_no_escape_in_json_or_html():
    assert json.dumps(ALPHABET) == f'"{ALPHABET}"'
    assert not set(ALPHABET) & set("<>&'\"")
    assert len(set(ALPHABET)) == 88


def test_a_column_is_held_once():
    columns = Columns(5)
    places = [columns.add(np.array(values)) for values in ([1.0, 2.0], [1.0, 3.0], [1.0, 2.0])]
    assert places == [0, 1, 0]


@pytest.mark.parametrize(
    "time", ["horizon = { start = 2027-01-04, periods = 52 }", fits.TIMES["quarters from history"]]
)
def test_twelve_channels_and_all_of_500_draws_fit_into_150_kilobytes(time):
    html, _ = fits.page(many(12, ("geometric", "hill")), fits.question(time))
    told = data_of(html)
    assert len(html.encode()) <= LARGEST == 150_000
    assert (told["draws"], told["of"], len(told["channels"])) == (500, 500, 12)


def test_where_not_all_draws_fit_the_page_holds_evenly_chosen_ones_and_says_how_many():
    html, plan = fits.page(many(12, ("two_speed", "burr")), fits.question(fits.TIMES["quarters from history"]))
    told = data_of(html)
    assert LARGEST - 1000 < len(html.encode()) <= LARGEST
    assert 200 < told["draws"] < told["of"] == 500
    assert told["mean"] == plan.chosen.value.mean
    own = told["best"][told["planned"]][0]
    assert own != pytest.approx(plan.chosen.value.mean, rel=1e-6)
    assert own == pytest.approx(plan.chosen.value.mean, rel=0.02)


def test_some_draws_of_a_record_are_those_of_the_planner():
    held, asked = fits.curves(shapes=("hill", "burr")), fits.question()
    plan = fits.optimize(held, asked, priced=False)
    what, some = what_if_of(held, asked, (plan,), 0), np.array([0, 3, 8])
    few = thinned(what, some)
    assert few.draws == 3
    assert few.best[0].mean == plan.chosen.value.mean != few.best[0].value.mean()
    np.testing.assert_array_equal(few.best[0].value, fits.valued(held, asked, plan.cells)[1][some])
    for lever, whole in zip(few.levers, what.levers, strict=True):
        for name, values in lever.channel.saturation.parameters.items():
            np.testing.assert_array_equal(values, whole.channel.saturation.parameters[name][some])


def test_more_channels_than_a_page_can_hold_are_refused():
    held = many(60, ("geometric", "hill"), draws=2)
    what = what_if_of(held, fits.question(), (fits.optimize(held, fits.question(), priced=False),), 0)
    wide = replace(what, levers=what.levers * 10)
    with pytest.raises(InputError, match="600 channels would hold"):
        page_html(wide)


def test_only_the_page_s_own_script_and_style_may_run_and_nothing_is_fetched(tmp_path):
    random = np.random.default_rng(2)
    held = fits.of_channels(fits.channel(HOSTILE, 0, ("geometric", "hill"), 9, random))
    text = f"name = '{HOSTILE}'\nhorizon = {{ start = 2027-01-04, periods = 26 }}\nbudget = {{ of_history = 1.0 }}\n"
    html = whatif_page(*fits.written(tmp_path, held, text), budgets=2)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html).group(1)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{hashed}'" in policy
        assert "eval" not in inside
    assert re.findall(r"(?:https?:)?//\w", html) == []
    assert html.count("</script>") == 2
    assert data_of(html)["channels"][0]["name"] == HOSTILE


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.recursive(texts | st.booleans() | st.integers(-9, 9) | st.floats(0, 1e15), st.lists), texts.filter(bool))
def test_toml_that_is_written_is_read_back(value, name):
    told = tomllib.loads(f"a = {toml({name: value})}\nb = {quoted(name)}\n")
    assert told == {"a": {name: value}, "b": name}


def test_what_the_page_writes_beside_the_money_is_the_question_s_own_world():
    text = """
name = "x"
horizon = { start = 2027-01-04, periods = 26, decide = "quarter", tail = 8 }
budget = { total = 100.0 }
goal = { maximise = "profit", margin = 0.5 }
groups.some = { kinds = ["paid"], share = { min = 0.2 } }
stress = { level = 0.1 }
[channels."by hill"]
flight = { from = 2027-02-01, until = 2027-05-01 }
flighting = [1.0, 2.0]
cap = 50.0
[[shocks]]
name = "dear"
kind = "price"
channels = ["by hill"]
factor = { low = 1.0, mode = 1.1, high = 1.3 }
"""
    asked = parse(text, Scenario, "x.toml")
    (head, after), held = around(asked), fits.curves(shapes=("hill", "burr"))
    own = f'[channels."by hill"]\n{of_channel(held.channels[0], asked)}'
    again = parse(f'name = "x"\nbudget = {{ total = 100.0 }}\n{head}{own}{after}', Scenario, "again.toml")
    free = asked.channels["by hill"].model_copy(update={"cap": None})
    bare = asked.model_copy(update={"groups": {}, "channels": {"by hill": free}})
    assert again.model_dump() == bare.model_dump()
    assert of_channel(held.channels[1], asked) == ""


def test_budgets_without_a_plan_are_left_out_and_those_at_the_edge_of_the_rules_looked_for(tmp_path):
    text = fits.TIMES["quarters from history"] + "\n[channels.'by hill']\ncap = 4000\n"
    share = "[groups.hill]\nchannels = ['by hill']\nshare = { min = 0.2 }\n"
    asked = f'name = "x"\nbudget = {{ of_history = 1.0 }}\n{text}{share}'
    curves, scenario = fits.written(tmp_path, fits.curves(shapes=("hill", "exponential", "burr")), asked)
    told = data_of(whatif_page(curves, scenario, budgets=3))
    money = [sum(map(sum, split)) for _, _, split in told["best"]]
    assert money == sorted(money)
    assert 0.97 * 4000 / 0.2 < money[-1] <= 4000 / 0.2 * (1 + 1e-6)
    plan = fits.optimize(fits.curves(shapes=("hill", "exponential", "burr")), parse(asked, Scenario, "x"))
    assert told["best"][told["planned"]][0] == pytest.approx(plan.chosen.value.mean)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(2, 41))
def test_budgets_lie_on_either_side_of_the_plan_and_reach_both_ends(below, above, count):
    low, high = 1000 * (1 - below), 1000 * (1 + above)
    found = _amounts((low, high), 1000.0, count)
    assert found == sorted(found)
    assert len(found) <= max(2, count)
    for end in (low, high):
        assert end in found or abs(end - 1000) <= 0.001 or end == 0


def test_a_page_says_by_what_its_best_splits_are_chosen_and_whether_dates_differ_from_history_s():
    held = fits.curves(shapes=("hill", "burr"))
    for risk, word in (("", ""), ('[risk]\nmeasure = "cvar"\n', "worst draws")):
        told = data_of(fits.page(held, fits.question(fits.TIMES["quarters from history"] + "\n" + risk))[0])
        assert (word in told["risk"], bool(told["risk"]), told["dated"]) == (True, bool(word), False)
    flight = "[channels.'by hill']\nflight = { from = 2027-02-01 }\n"
    for time in (fits.TIMES["one split"], f"{fits.TIMES['quarters from history']}\n{flight}"):
        assert data_of(fits.page(held, fits.question(time))[0])["dated"]


def test_a_scenario_without_a_plan_and_a_wrong_number_of_budgets_are_refused(tmp_path):
    text = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 26 }\nbudget = { total = 100 }\n'
    files = fits.written(tmp_path, fits.curves(shapes=("hill",)), text + "[channels.'by hill']\ncap = 10\n")
    with pytest.raises(InfeasibleError):
        whatif_page(*files)
    with pytest.raises(InputError, match="2 to 41"):
        whatif_page(*files, budgets=1)


def test_targets_and_limits_open_with_their_plan(tmp_path):
    held = fits.curves(shapes=("hill", "exponential"))
    for budget in ("{ target_roas = 1.2 }", "{ at_most = 1e6 }", "{ total = 9000, reserve = 0.1 }"):
        goal = 'goal = { maximise = "profit", margin = 0.9 }\n' if "at_most" in budget else ""
        text = f'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 26 }}\nbudget = {budget}\n{goal}'
        told = data_of(whatif_page(*fits.written(tmp_path, held, text), budgets=3))
        plan = fits.optimize(held, parse(text, Scenario, "x"))
        value, _, split = told["best"][told["planned"]]
        assert value == pytest.approx(plan.chosen.value.mean)
        assert np.ravel(split) == pytest.approx(plan.cells)
        assert np.ravel([one["today"] for one in told["channels"]]) == pytest.approx(plan.baseline.spend, abs=0.01)
