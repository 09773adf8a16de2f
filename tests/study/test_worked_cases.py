"""The worked cases in `scenarios/` say what the README tells, on curves by hand with the channels of the sample."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.report.stress import stress_text
from engine.response.curves import Channel, Curves, Family, History
from engine.response.curves_file import write_curves
from engine.stress.run import Hands, run
from engine.study.stress import Asked, prepared
from engine.study.stress_answer import answered

CASES = Path(__file__).parents[2] / "scenarios"
KINDS = {
    "search": "paid",
    "social": "paid",
    "tv": "paid",
    "press": "earned",
    "refer_a_friend": "shared",
    "newsletter": "owned",
}
PACES = {"search": 14e3, "social": 50e3, "tv": 70e3, "press": 13e3, "refer_a_friend": 9e3, "newsletter": 20e3}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a worked case comes to, and its text; each is played once."""
    place, known = tmp_path_factory.mktemp("cases"), {}
    luck = np.random.default_rng(5)
    channels = []
    for name, pace in PACES.items():
        shape = {
            "ceiling": 6 * pace * np.exp(0.2 * luck.standard_normal(12)),
            "halfway": 1.2 * pace * np.exp(0.2 * luck.standard_normal(12)),
            "slope": luck.uniform(0.7, 1.4, 12),
        }
        history = History(pace, 3 * pace, tuple((pace * luck.uniform(0.7, 1.3, 104)).tolist()))
        retain = Family("geometric", {"retain": luck.uniform(0.3, 0.8, 12)})
        channels.append(Channel(name, KINDS[name], retain, Family("hill", shape), history))
    curves = Curves("EUR", "revenue", "week", tuple(channels), until=date(2024, 12, 30))
    write_curves(place / "curves.json", curves)

    def come(case, **more):
        key = case, tuple(more.items())
        if key not in known:
            ready = prepared(Asked(CASES / f"stress_{case}.toml", place / "curves.json", **more))
            answer = answered(ready, run(ready.work, place / f"out-{len(known)}", Hands())[0])
            known[key] = {one.policy: one for one in answer.cases[-1].policies}, answer, stress_text(answer)
        return known[key]

    return come


@pytest.mark.parametrize("case", ["cut_from_july", "social_banned", "tv_prices", "sales_full", "reserve"])
def test_each_case_is_answered_and_its_bridge_adds_up(told, case):
    _, answer, text = told(case, **({"paths": 24} if case == "reserve" else {}))
    assert text.startswith(answer.scenario)
    assert sum(bar.low for bar in answer.bridge[:-1]) == pytest.approx(answer.bridge[-1].low, rel=1e-9)


def test_a_cut_from_july_costs_least_where_the_rest_is_planned_anew(told):
    policies, answer, _ = told("cut_from_july")
    assert policies["hold"].outcome.mean < policies["trim"].outcome.mean < answer.planned.mean
    assert policies["replan"].outcome.mean > policies["hold"].outcome.mean
    spent = {name: one.spend.mean for name, one in policies.items()}
    assert spent["replan"] == pytest.approx(spent["trim"], rel=1e-4)


def test_money_that_a_ban_frees_is_worth_something_elsewhere(told):
    policies, _, _ = told("social_banned")
    assert policies["replan"].gain.low > 0
    assert policies["replan"].spend.mean > policies["hold"].spend.mean


def test_dearer_television_costs_less_than_what_is_spent_on_it(told):
    policies, answer, _ = told("tv_prices")
    lost = answer.planned.mean - policies["hold"].outcome.mean
    assert 0 < lost < 0.2 * answer.planned.mean
    assert policies["replan"].outcome.mean >= policies["hold"].outcome.mean * (1 - 1e-4)


def test_a_team_that_loses_people_sells_less_and_loses_more_leads(told):
    policies, answer, text = told("sales_full")
    assert policies["hold"].outcome.mean < answer.planned.mean
    assert "of each further lead" in text
    assert max(lost for _, lost, _ in answer.queue) > 0


def test_by_chance_every_policy_is_held_against_who_knows_every_shock(told):
    policies, _, text = told(
        "reserve", paths=24, policies=("hold", "trim", "replan", "trigger", "reserve", "foresight")
    )
    assert set(policies) == {"hold", "trim", "replan", "trigger", "reserve", "foresight"}
    assert policies["foresight"].outcome.mean >= 0.99 * max(one.outcome.mean for one in policies.values())
    assert "Regret" in text
    assert policies["reserve"].spend.mean <= 1.001 * policies["hold"].spend.mean * 1.1
