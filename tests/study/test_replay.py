"""A plan in the true world: read strictly, matched to the market, and valued as plain runs are."""

import json
import re
from datetime import date

import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.judge import TAIL
from engine.simulate.journey import play, revenue
from engine.simulate.world import build_world
from engine.study.replay import budgets, read_schedule, replay

WEEKS = 60
PLAN = {
    "schema": "peso.plan/1",
    "currency": "EUR",
    "period": "week",
    "horizon": {"start": "2023-02-27"},
    "channels": ["post", "tv"],
    "schedule": [[25.0, 5.0], [35.0, 0.0]],
    "gain": {"mean": 30.0, "p05": -10.0, "p50": 30.0, "p95": 50.0},
}


@pytest.fixture(scope="module")
def world():
    reach = {"mechanic": "reach", "cost_per_contact": 0.02, "effect": {"notice": 0.05, "consider": 0.1, "buy": 0.1}}
    market = {
        "name": "Tiny",
        "currency": "EUR",
        "start": "2022-01-03",
        "population": 4_000.0,
        "in_market": 0.2,
        "noise": 0.05,
        "purchase": {"price": 9.0, "margin": 0.4, "repeat": 0.05},
        "segments": {"all": {"share": 1.0}},
        "journey": dict.fromkeys(
            ("notice", "consider", "buy", "reconsider", "praise", "leave", "quiet", "forget", "cool"), 0.1
        ),
        "channels": {name: {**reach, "history": {"mean": 20.0}} for name in ("tv", "post")},
    }
    return build_world(build({**market, "start": date(2022, 1, 3)}, Market, "tiny"))


@pytest.fixture
def read(tmp_path):
    """`read(currency="USD")`: the plan with something changed, as it is read from its file."""

    def written(**changes):
        (tmp_path / "plan.json").write_text(json.dumps({**PLAN, **changes}))
        return read_schedule(tmp_path / "plan.json")

    return written


def test_a_plan_is_worth_its_run_less_that_of_last_years_split(world, read):
    history = np.random.default_rng(1).uniform(5, 40, (WEEKS, 2))
    schedule = read()
    plan = budgets(schedule, world, WEEKS)
    assert plan.tolist() == [[5.0, 25.0], [0.0, 35.0]]  # in the order of the market
    found = replay(schedule, world, history, plan)
    recent = history[-52:].sum(axis=0)
    usual = np.tile(recent / recent.sum() * 65.0 / 2, (2, 1))
    end, quiet = play(world, history).end, np.zeros((TAIL, 2))
    with_plan, without = (
        float(revenue(world, jnp.asarray(np.concatenate([money, quiet])), end).sum()) for money in (plan, usual)
    )
    assert found.spent == pytest.approx(65.0)
    assert found.revenue == pytest.approx(with_plan, rel=1e-12)
    assert found.gain == pytest.approx(with_plan - without, rel=1e-6)
    assert found.promise == (-10.0, 30.0, 50.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "USD"}, "the plan is in USD"),
        ({"channels": ["post", "radio"]}, "has no channel 'radio'"),
        ({"schedule": [[1.0]]}, "one number for each of 2 channels"),
        ({"schedule": [[1.0, -2.0]]}, "money is never negative"),
        ({"schedule": [[1.0, 10**400]]}, "never negative or above 1e+15"),
        ({"schedule": [[1.0, float("1e300")]]}, "never negative or above 1e+15"),
        ({"channels": ["tv", "tv"]}, "names a channel twice"),
        ({"gain": {"mean": "1", "p05": "inf", "p95": 1}}, "damaged near gain, which is not finite"),
        ({"schedule": []}, "no schedule by week"),
        ({"period": "month"}, "turns by the week"),
        ({"horizon": {"start": "2023-03-06"}}, "use --weeks 61"),
        ({"schema": "peso.plan/9"}, "no plan"),
        ({"channels": []}, "no schedule by week"),
        ({"channels": 7}, "no schedule by week"),
        ({"schedule": [[1.0, True]]}, "one number"),
        ({"horizon": {"start": "2020-03-06"}}, "plan for another date"),
        ({"horizon": {"start": "2023-03-01"}}, "plan from 2023-02-27 on"),
        ({"horizon": {"start": "9999-12-31"}}, "plan for another date"),
        ({"horizon": {}}, "damaged"),
        ({"gain": {}}, "damaged"),
    ],
)
def test_plans_that_do_not_fit_the_market_are_refused(world, read, change, words):
    with pytest.raises(InputError, match=re.escape(words)):
        budgets(read(**change), world, WEEKS)


def test_a_history_without_money_has_no_split_to_compare_a_plan_with(world, read):
    with pytest.raises(InputError, match="spends nothing"):
        replay(read(), world, np.zeros((WEEKS, 2)), np.ones((2, 2)))
