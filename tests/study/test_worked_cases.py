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
            scenario = case if isinstance(case, Path) else CASES / f"stress_{case}.toml"
            ready = prepared(Asked(scenario, place / "curves.json", **more))
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


def test_where_the_money_goes_adds_up_to_what_is_spent(told):
    for case in ("cut_from_july", "social_banned"):
        policies, answer, text = told(case)
        chosen = policies[answer.moved_in[1]]
        assert sum(one.spend for one in answer.moved) == pytest.approx(chosen.spend.mean)
        assert sum(one.planned for one in answer.moved) == pytest.approx(answer.spend)
        assert "Where the money goes" in text


def test_the_plan_without_shocks_is_told_as_a_policy_is(told):
    policies, answer, _ = told("cut_from_july")
    calm = answer.unshocked
    assert (calm.outcome, calm.target) == (answer.planned, answer.calm)
    assert calm.spend.mean == pytest.approx(answer.spend)
    margin = answer.terms.margin
    assert calm.profit.mean == pytest.approx(margin * calm.outcome.mean - calm.spend.mean)
    assert policies["hold"].profit.mean == pytest.approx(
        margin * policies["hold"].outcome.mean - policies["hold"].spend.mean
    )


def test_who_holds_a_plan_that_is_cut_breaks_its_ramps_and_who_cuts_evenly_or_plans_anew_does_not(told):
    policies, _, text = told("cut_from_july")
    assert policies["hold"].broken == 1.0
    assert all(one.rule.startswith("ramp of") for one in policies["hold"].unkept)
    assert (policies["trim"].broken, policies["replan"].broken) == (0.0, 0.0)
    assert "Paths with a broken rule, and the most frequent one: hold the plan 100.0 %" in text


def test_gains_are_told_over_the_first_policy_and_over_the_even_cut(told):
    policies, _, _ = told("cut_from_july")
    replan, trim = policies["replan"], policies["trim"]
    assert replan.over_first == replan.gain
    assert replan.over_trim.mean == pytest.approx(replan.outcome.mean - trim.outcome.mean)
    assert trim.over_trim is None
    assert policies["hold"].over_trim.mean == pytest.approx(-trim.gain.mean)


def test_a_plan_for_profit_ranks_its_policies_by_profit(told, tmp_path):
    case = (CASES / "stress_cut_from_july.toml").read_text()
    (tmp_path / "stress_profit.toml").write_text(
        case.replace("[ramp]", 'goal = { maximise = "profit", margin = 0.7 }\n[ramp]')
    )
    policies, answer, text = told(tmp_path / "stress_profit.toml")
    assert answer.cases[-1].by_profit
    for one in (policies["trim"], policies["replan"]):
        assert one.over_first.mean == pytest.approx(one.profit.mean - policies["hold"].profit.mean)
    assert "over hold [profit]" in text


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
