"""Asking curves that are there: which file is read, which fit is trusted, which question is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import InputError, StorageError, UntrustworthyError
from engine.files import digest
from engine.study.ask import curves_of, plan, what_if

CURVES = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "channels": [
        {
            "name": name,
            "kind": kind,
            "adstock": {"family": "geometric", "retain": [0.3, 0.4]},
            "saturation": {"family": "hill", "ceiling": [90.0, 110.0], "halfway": [40.0, 60.0], "slope": [1.0, 1.2]},
            "history": {"mean": 30.0, "max": 60.0},
        }
        for name, kind in (("tv", "paid"), ("pr", "earned"))
    ],
}
QUESTION = 'name = "{0}"\nhorizon = {{ start = 2027-01-04, periods = 52 }}\nbudget = {{ {1} }}\n'


@pytest.fixture
def fit(tmp_path):
    """A fit folder whose health can be written by `trust`."""
    (tmp_path / "curves.json").write_text(json.dumps(CURVES))
    return tmp_path


def test_no_name_is_too_long_for_a_sentence():
    with pytest.raises(StorageError, match="could not be read"):
        curves_of(Path("a" * 300))


def question(folder, name="q", budget="total = 3000", extra=""):
    path = folder / f"{name}.toml"
    path.write_text(QUESTION.format(name, budget) + extra)
    return path


def trust(folder, verdict, checks=()):
    (folder / "health.json").write_text(
        json.dumps({"schema": "peso.health/1", "trust": verdict, "checks": list(checks)})
    )


def test_a_folder_and_its_file_are_the_same_curves(fit):
    assert curves_of(fit).made_from == curves_of(fit / "curves.json").made_from
    assert sum(plan(fit, question(fit)).chosen.spend) == pytest.approx(3000)


def test_a_folder_without_curves_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no curves.json; name a fit folder or a curves file"):
        curves_of(tmp_path)


def test_a_bad_fit_is_not_planned_with_unless_told_so(fit):
    trust(
        fit,
        "bad",
        [{"verdict": "bad", "sentence": "The chains did not mix."}, {"verdict": "good", "sentence": "Fine."}],
    )
    (fit / "curves_by_geo.json").write_text((fit / "curves.json").read_text())
    for place in (fit, fit / "curves.json", fit / "curves_by_geo.json"):
        with pytest.raises(UntrustworthyError, match=r"chains did not mix\. .*--accept-weak-fit") as refusal:
            curves_of(place)
        assert "Fine." not in str(refusal.value)
        assert curves_of(place, accept_weak_fit=True).names == ("tv", "pr")


@pytest.mark.parametrize("verdict", ["good", "weak"])
def test_a_fit_that_is_not_bad_is_planned_with(fit, verdict):
    trust(fit, verdict)
    assert curves_of(fit).names == ("tv", "pr")


def test_health_beside_curves_of_another_name_says_nothing_about_them(fit):
    trust(fit, "bad")
    (fit / "mine.json").write_text(json.dumps(CURVES))
    assert curves_of(fit / "mine.json").names == ("tv", "pr")


def test_several_questions_beside_history(fit):
    less, same = question(fit, "less", "of_history = 0.5"), question(fit, "same", "of_history = 1.0")
    answers = what_if(fit, [less, same])
    assert [answer.name for answer in answers] == ["less", "same"]
    assert answers[0].base.spend.tolist() == [30.0 * 52, 30.0 * 52]
    assert answers[0].change.mean < 0 <= answers[1].change.mean + 1e-6
    assert answers[0].chance_of_less == 1.0


def test_a_base_of_ones_own_is_answered_first(fit):
    base = question(fit, "base", "total = 3000")
    again = question(fit, "again", "total = 3000")
    (answer,) = what_if(fit, [again], base)
    assert answer.base.name == "base"
    assert np.abs([answer.change.mean, answer.change.p05, answer.change.p95]).max() <= 1e-6
    assert answer.chance_of_less == 0.0


def test_discounting_does_not_make_a_plan_look_worse_than_its_base(fit):
    """History continued was once counted in full beside a plan whose later weeks counted less."""
    goal = 'goal = { maximise = "profit", margin = 0.5, discount_rate = 0.5 }\n[every_channel]\nlocked = 1560\n'
    (answer,) = what_if(fit, [question(fit, "late", "of_history = 1.0", goal)])
    assert answer.change.mean == pytest.approx(0.0, abs=1e-6)


REFUSED = {
    "one name twice": (("a", "a"), "two scenarios are called 'a'"),
    "names of one file": (("TV 1", "tv-1"), "would share the file tv-1.json"),
}


@pytest.mark.parametrize(("names", "words"), REFUSED.values(), ids=REFUSED)
def test_names_that_would_be_confused_are_refused(fit, names, words):
    """Two plans once went into one file, the second over the first."""
    paths = []
    for at, name in enumerate(names):
        paths.append(fit / f"{at}.toml")
        paths[-1].write_text(QUESTION.format(name, "total = 100"))
    with pytest.raises(InputError, match=words):
        what_if(fit, paths)


def test_a_base_of_another_length_is_refused(fit):
    base = fit / "short.toml"
    base.write_text(QUESTION.format("short", "total = 100").replace("52", "26"))
    with pytest.raises(InputError, match=r"covers 52 periods but the base 'short' 26"):
        what_if(fit, [question(fit)], base)


def test_no_plan_for_one_question_is_an_answer_beside_the_others(fit):
    cannot = question(fit, "cannot", "total = 100", "[channels.tv]\nfloor = 200\n")
    answers = what_if(fit, [cannot, question(fit, "can")])
    assert answers[0].plan is None
    assert "floor of tv" in answers[0].refusal
    assert answers[1].plan.certified


def test_a_fit_that_is_not_as_it_was_written_is_refused(fit):
    """Health of another run beside the curves once spoke for them."""
    trust(fit, "good")
    files = {name: digest((fit / name).read_bytes()) for name in ("curves.json", "health.json")}
    (fit / "manifest.json").write_text(json.dumps({"files": files}))
    assert curves_of(fit).names == ("tv", "pr")
    trust(fit, "weak")
    with pytest.raises(InputError, match=r"health.json: is not the file that manifest.json describes"):
        curves_of(fit)
    (fit / "health.json").unlink()
    with pytest.raises(InputError, match=r"health.json: no such file"):
        curves_of(fit)
    assert curves_of(fit, accept_weak_fit=True).names == ("tv", "pr")


@pytest.mark.parametrize("health", ["[]", "{}", '{"trust": "BAD"}', '{"trust": ["bad"]}'])
def test_a_trust_that_is_not_said_is_not_assumed(fit, health):
    (fit / "health.json").write_text(health)
    with pytest.raises(InputError, match=r"says no trust \(good, weak or bad\)"):
        curves_of(fit)
