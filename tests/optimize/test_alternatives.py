"""Hills beside a plan's own: other courses of a channel are found where curves bend upwards or flights have a least."""

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.over_time.ascent import reached
from engine.optimize.over_time.several import mean_value
from engine.optimize.rules import broken, problem_of
from engine.optimize.solve import solve
from engine.response.curves import Channel, Family, History

YEAR = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 39, decide = "quarter", tail = 8 }}\n{rules}'
FLOOR = "[channels.c1]\nquarter_floor = {floor}\n"
SHARE = '[groups.e]\nkinds = ["earned"]\nshare = {{ min = 0.4, max = 0.4 }}\n'
RULES = {
    "a share that is fixed": "budget = {{ total = {money} }}\n" + SHARE,
    "flights": "budget = {{ total = {money} }}\n[every_channel]\nminimum_flight = {flight}\n",
    "flights beside floors": "budget = {{ total = {money} }}\n" + FLOOR + "[channels.c0]\nminimum_flight = {flight}\n",
    "profit": 'budget = {{ at_most = {money} }}\ngoal = {{ maximise = "profit", margin = 0.8 }}\n' + FLOOR,
}


def uncertain(make, rng):
    """Two channels of steep curves."""
    channels = []
    for name, kind in (("c0", "paid"), ("c1", "earned")):
        level = float(rng.uniform(500, 2000))
        known = {
            "halfway": level * np.exp(0.2 * rng.standard_normal(1)),
            "ceiling": 4 * level * np.exp(0.2 * rng.standard_normal(1)),
            "slope": rng.uniform(1.5, 4.0, 1),
        }
        carries = Family("geometric", {"retain": rng.uniform(0.0, 0.7, 1)})
        history = tuple((0.8 * level * rng.uniform(0.5, 1.2, 52)).tolist())
        channels.append(Channel(name, kind, carries, Family("hill", known), History(0.8 * level, 3 * level, history)))
    return make.curves(*channels)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("seed", [4, 10, 11, 15, 19])
def test_no_climb_from_anywhere_ends_above_the_plan(make, rules, seed):
    rng = np.random.default_rng(seed)
    held = uncertain(make, rng)
    money = float(39 * sum(channel.history.mean for channel in held.channels) * rng.uniform(0.2, 0.8))
    text = RULES[rules].format(money=money, flight=money / 5, floor=money / 25)
    problem = problem_of(held, parse(YEAR.format(rules=text), Scenario, "q.toml"))
    plan = solve(problem)
    starts = money * rng.dirichlet(np.full(6, 0.5), 60)
    tops = [top for start in starts if (top := reached(problem, start)) is not None]
    assert not broken(problem, plan.spend)
    assert plan.value >= max(mean_value(problem, top) for top in tops) * (1 - 1e-3)
