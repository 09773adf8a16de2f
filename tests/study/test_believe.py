"""What is believed before the data: it is what was told, and no outcome moves it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.predictive import prior_predictive
from engine.errors import InputError
from engine.study.believe import belief_document, belief_text, believe, write_belief
from engine.study.learn import open_case
from tests.study.histories import MODEL, write_history, write_model

TOLD = MODEL.replace(
    'spend = "tv"', 'spend = "tv"\nroas = { low = 0.5, high = 3.0 }\nhalf_life = { low = 1, high = 6 }'
)


@pytest.fixture(scope="module")
def belief(tmp_path_factory):
    folder = tmp_path_factory.mktemp("belief")
    return believe(write_history(folder, "sales.csv", 70), write_model(folder, "model.toml", text=TOLD), 3, 2000)


def test_ranges_that_were_told_come_back(belief):
    """Roughly: build-up lengthens a half-life a little, and all channels share one idea of today's budget."""
    tv = belief.prior.readings[0]
    assert tv.half_life[0] == pytest.approx(1.0, rel=0.25) and tv.half_life[2] == pytest.approx(6.0, rel=0.25)
    assert tv.roas[0] == pytest.approx(0.5, rel=0.35) and tv.roas[2] == pytest.approx(3.0, rel=0.35)


def test_shares_and_returns_are_one_belief(belief):
    dataset, tv = belief.case.dataset, belief.prior.readings[0]
    unit = dataset.spend[:, :, 0].sum() / dataset.outcome.sum()
    assert np.array(tv.share) == pytest.approx(np.array(tv.roas) * unit, rel=1e-9)
    assert 0 < belief.prior.media_share[0] < belief.prior.media_share[1] < belief.prior.media_share[2] < 1.2


def test_no_outcome_moves_what_is_believed_of_channels(belief):
    """Another order of the same sales: the same channels' beliefs, but for the last digits."""
    dataset = belief.case.dataset
    turned = replace(dataset, outcome=np.random.default_rng(1).permutation(dataset.outcome))
    one, other = (prior_predictive(data, belief.case.model, 3, 400) for data in (dataset, turned))
    for mine, same in zip(one.readings, other.readings, strict=True):
        assert np.array(mine.roas) == pytest.approx(np.array(same.roas), rel=0.02)
        assert np.array(mine.half_life) == pytest.approx(np.array(same.half_life), rel=0.02)


def test_the_actual_outcome_lies_where_it_is_said_to_lie(belief):
    outcome = belief.case.dataset.outcome.sum(axis=1)
    for figure, actual in ((belief.prior.mean, outcome.mean()), (belief.prior.spread, outcome.std())):
        assert figure.actual == pytest.approx(actual)
        low, middle, high = figure.believed
        assert low < middle < high
        assert (figure.rank < 0.05) == (actual < low) and (figure.rank > 0.95) == (actual > high)


def test_an_outcome_that_moves_more_than_believed_is_said(belief):
    wild = replace(belief.prior.spread, believed=(1.0, 2.0, 3.0), actual=9.0, rank=1.0)
    text = belief_text(replace(belief, prior=replace(belief.prior, spread=wild)))
    assert "more than the model expects" in " ".join(text.split())


def test_what_is_believed_of_the_outcome_is_told_by_its_ends_alone(belief):
    wide = replace(belief.prior.mean, believed=(-6.59e6, -66_800.0, 8.03e6), actual=1.43e6, rank=0.6)
    text = " ".join(belief_text(replace(belief, prior=replace(belief.prior, mean=wide))).split())
    assert "; believed between -6.59 m and 8.03 m (5-95 %): as expected." in text and "-66.8 k" not in text


def test_document_text_and_file_say_the_same(belief, tmp_path):
    write_belief(tmp_path / "prior", belief)
    told = json.loads((tmp_path / "prior" / "prior.json").read_text())
    assert told == belief_document(belief)
    assert told["schema"] == "peso.prior/1" and told["made_from"]["data"].startswith("sha256:")
    assert [one["name"] for one in told["channels"]] == ["tv", "blog"]
    assert belief_text(belief).startswith("Before the data: all channels together bring")


def test_what_is_counted_stands_beside_every_figure(belief):
    dataset = replace(belief.case.dataset, is_money=False, outcome_name="orders")
    money, units = belief_text(belief), belief_text(replace(belief, case=replace(belief.case, dataset=dataset)))
    assert "mean a week is EUR " in money and "return on spend (5-95 %)" in money
    assert " orders; believed between " in units and "orders per EUR 1 (5-95 %)" in units and "is EUR" not in units


@pytest.mark.parametrize(
    ("weeks", "more", "words"),
    [
        (11, "", "sales.csv: holds 11 weeks, and calibration needs 12 or more; add history"),
        (30, '[curves]\nsaturation = "hil"\n', "model.toml: [curves] saturation = 'hil' is not known; use any, hill"),
        (30, '[curves]\nadstock = "weibull_pdf"\n', "model.toml: half_life of 'tv' is told, and [curves] adstock"),
    ],
)
def test_what_cannot_be_calibrated_is_told_with_its_file(tmp_path, weeks, more, words):
    table, model = write_history(tmp_path, "sales.csv", weeks), write_model(tmp_path, "model.toml", text=TOLD + more)
    with pytest.raises(InputError) as fault:
        open_case(table, model)
    assert str(fault.value).startswith(str(tmp_path)) and words in str(fault.value)
