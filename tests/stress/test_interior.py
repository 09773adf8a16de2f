"""Interior points: the best money of many paths at once, against SciPy on each of them and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.optimize import minimize

from engine.response.curves import Channel, Family, History
from engine.stress.interior import Rest, Rows, _slopes, best, objective

CHANNELS, COUNT, POINTS = 3, 3, 12
CELLS = CHANNELS * COUNT
DEAR = 1e4  # of a unit beyond a rule: far above any return here


def curve(ceiling, halfway, slope):
    """A curve whose draws are points."""
    known = {"ceiling": ceiling, "halfway": halfway, "slope": slope}
    flat = Family("geometric", {"retain": np.zeros(len(slope))})
    return Channel("x", "paid", flat, Family("hill", known), History(1.0, 2.0))


def rest(seed, paths, slope=(0.4, 1.0)):
    """Points of which each looks at one channel, and what is known on some paths."""
    luck = np.random.default_rng(seed)
    number = CHANNELS * POINTS
    owner = np.repeat(np.arange(CHANNELS), POINTS)
    gain = luck.uniform(0.2, 1.0, (CHANNELS, COUNT, number)) * (luck.random((1, COUNT, number)) < 0.8)
    return Rest(
        curve=curve(luck.uniform(2, 10, number), luck.uniform(0.5, 3, number), luck.uniform(*slope, number)),
        gain=tuple(gain[channel][:, owner == channel] for channel in range(CHANNELS)),
        stock=luck.uniform(0.0, 0.5, (paths, number)),
        had=luck.uniform(0.6, 1.4, (paths, CHANNELS, COUNT)),
        worth=luck.uniform(0.5, 1.5, (paths, number)),
        cost=luck.uniform(0.0, 0.2, (CHANNELS, COUNT)),
    )


def rows(paths, own=(), shared=()):
    """Rules as rows: `own` with weights, limit and price of single channels, `shared` with a limit on either side."""
    positive = [(-one.reshape(CHANNELS, COUNT), 0.0, np.inf) for one in np.eye(CELLS)]
    each = [
        [line for line in [*positive, *own] if np.flatnonzero(line[0].any(axis=1)).tolist() == [c]]
        for c in range(CHANNELS)
    ]
    most = max(map(len, each))
    padded = [line for some in each for line in some + [(np.zeros((CHANNELS, COUNT)), 1.0, 1.0)] * (most - len(some))]
    lines = [*padded, *((w, above, p) for w, above, _, p in shared), *((-w, -below, p) for w, _, below, p in shared)]
    return Rows(
        own=np.array([line[0][place // most] for place, line in enumerate(padded)]).reshape(CHANNELS, most, COUNT),
        shared=np.array([line[0] for line in shared]).reshape(len(shared), CHANNELS, COUNT),
        limit=np.stack([np.broadcast_to(np.asarray(line[1], float), (paths,)) for line in lines], axis=1),
        price=np.array([[float(line[2]) for line in lines]]),
    )


def cell(channel, decision, weight=1.0):
    found = np.zeros((CHANNELS, COUNT))
    found[channel, decision] = weight
    return found


def ramp(channel, decision, change, sign):
    """Money of a decision at most (1 + change) times that of the one before, or at least (1 - change) times it."""
    return sign * (cell(channel, decision) - (1 + sign * change) * cell(channel, decision - 1))


ALL = np.ones((CHANNELS, COUNT))
RULES = {
    "a budget": ((), ((ALL, 9.0, 9.0, DEAR),)),
    "a budget that need not be spent": ((), ((ALL, 9.0, -1e6, DEAR),)),
    "floors and caps": (
        ((-cell(0, 1), -2.0, DEAR), (cell(1, 0), 0.3, DEAR), (cell(2, 0) + cell(2, 1), 0.8, DEAR)),
        ((ALL, 9.0, 9.0, DEAR),),
    ),
    "ramps": (
        tuple((ramp(c, k, 0.15, sign), 0.0, DEAR) for c in range(3) for k in (1, 2) for sign in (1, -1)),
        ((ALL, 9.0, 9.0, DEAR),),
    ),
    "a group's share, and money by decision": (
        (),
        (
            (ALL, 9.0, 9.0, DEAR),
            (np.array([[1.0], [0.0], [1.0]]) * np.ones(COUNT), 4.5, 4.0, DEAR),
            (cell(0, 2) + cell(1, 2) + cell(2, 2), 1.5, -1e6, DEAR),
        ),
    ),
}
EVEN = 9.0 / CELLS


def hand_value(asked, path, money):
    """What money of one path brings, by the textbook formula."""
    stock = (money * asked.had[path].ravel()) @ block_diag(*asked.gain) + asked.stock[path]
    known = asked.curve.saturation.parameters
    dose = (np.maximum(stock, 0.0) / known["halfway"]) ** known["slope"]
    return float((known["ceiling"] * dose / (1 + dose)) @ asked.worth[path] - money @ asked.cost.ravel())


def best_by_scipy(asked, held, path, own, shared):
    """The best of several climbs of SLSQP under hard rules."""
    lines = [(w.ravel(), limit) for w, limit, _ in own] + [(w.ravel(), above) for w, above, *_ in shared]
    lines += [(-w.ravel(), -below) for w, _, below, _ in shared if below > -1e5]
    table, limits = np.array([w for w, _ in lines]), np.array([limit for _, limit in lines])
    rules = [{"type": "ineq", "fun": lambda x: limits - table @ x, "jac": lambda x: -table}]
    found = []
    for start in (np.full(CELLS, EVEN), np.random.default_rng(path).uniform(0.1, 2, CELLS)):
        done = minimize(
            lambda x: -hand_value(asked, path, x),
            start,
            method="SLSQP",
            bounds=[(1e-9, None)] * CELLS,
            constraints=rules,
            options={"maxiter": 300, "ftol": 1e-12},
        )
        if np.all(table @ done.x <= limits + 1e-6):
            found.append((-done.fun, done.x))
    return max(found, key=lambda one: one[0])


@pytest.mark.parametrize(("own", "shared"), RULES.values(), ids=RULES)
def test_each_path_has_what_scipy_finds_for_it_alone(own, shared):
    paths = 5
    asked, held = rest(1, paths), rows(paths, own, shared)
    money = best(asked, held, np.full((paths, CHANNELS, COUNT), EVEN))
    for path in range(paths):
        value, there = best_by_scipy(asked, held, path, own, shared)
        mine = money[path].ravel()
        assert hand_value(asked, path, mine) == pytest.approx(value, rel=2e-5)
        assert mine == pytest.approx(there, abs=0.03)
        assert mine.min() >= 0
        for weights, limit, _ in own:
            assert weights.ravel() @ mine <= limit + 1e-4
        for weights, above, below, _ in shared:
            assert below - 1e-4 <= weights.ravel() @ mine <= above + 1e-4


def test_each_path_keeps_its_own_limits():
    paths = 4
    budget, cap = np.array([3.0, 6.0, 9.0, 12.0]), np.array([0.1, 5.0, 1.0, 0.5])
    money = best(
        rest(2, paths),
        rows(paths, ((cell(0, 0), cap, DEAR),), ((ALL, budget, budget, DEAR),)),
        np.full((paths, CHANNELS, COUNT), 6.0 / CELLS),
    )
    assert money.sum(axis=(1, 2)) == pytest.approx(budget, rel=1e-5)
    assert np.all(money[:, 0, 0] <= cap + 1e-4)


def test_water_is_filled_as_by_hand():
    """Of ceiling a and half h: a h / (h + x)^2 is alike for all, so x = sqrt(a h / price) - h."""
    ceiling, halfway = np.array([4.0, 9.0, 2.0, 6.0, 5.0, 3.0, 8.0, 7.0, 6.5]), np.linspace(0.5, 1.5, CELLS)
    straight = Rest(
        curve=curve(ceiling, halfway, np.ones(CELLS)),
        gain=(np.eye(COUNT),) * CHANNELS,
        stock=np.zeros((1, CELLS)),
        had=np.ones((1, CHANNELS, COUNT)),
        worth=np.ones((1, CELLS)),
        cost=np.zeros((CHANNELS, COUNT)),
    )
    budget = 20.0
    root = np.sqrt(ceiling * halfway)
    wanted = root * (budget + halfway.sum()) / root.sum() - halfway
    assert wanted.min() > 0
    held = rows(1, (), ((ALL, budget, budget, DEAR),))
    assert best(straight, held, np.full((1, 3, 3), 1.0)).ravel() == pytest.approx(wanted, abs=1e-3)
    cost = replace(straight, cost=np.full((CHANNELS, COUNT), 1.2))
    alone = rows(1, (), ((ALL, 1e6, -1e6, DEAR),))
    found = best(cost, alone, np.full((1, 3, 3), 1.0)).ravel()
    assert found == pytest.approx(np.maximum(0.0, np.sqrt(ceiling * halfway / 1.2) - halfway), abs=1e-3)


def test_paths_together_have_what_they_have_alone():
    paths = 6
    own, shared = RULES["ramps"]
    asked, start = rest(3, paths), np.random.default_rng(0).uniform(0.5, 1.5, (paths, CHANNELS, COUNT))
    money = best(asked, rows(paths, own, shared), start)
    for path in range(paths):
        one = slice(path, path + 1)
        single = replace(asked, stock=asked.stock[one], had=asked.had[one], worth=asked.worth[one])
        assert best(single, rows(1, own, shared), start[one])[0] == pytest.approx(money[path], abs=1e-6)


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.5, 4.0)])
@pytest.mark.parametrize("name", RULES)
def test_no_path_is_worse_than_where_it_started(name, slope):
    paths = 40
    own, shared = RULES[name]
    asked, held = rest(4, paths, slope), rows(paths, own, shared)
    start = np.random.default_rng(1).uniform(0.01, 2.0, (paths, CHANNELS, COUNT))
    found = best(asked, held, start)
    assert np.all(objective(asked, held, found) >= objective(asked, held, start))
    assert np.all(found >= 0)


def test_the_objective_is_that_of_the_textbooks_less_what_rules_charge():
    asked = rest(5, 3)
    money = np.random.default_rng(2).uniform(0.2, 2.0, (3, CHANNELS, COUNT))
    held = rows(3, ((cell(1, 1), 0.1, 7.0),), ((ALL, 5.0, 4.0, 3.0),))
    for path, value in enumerate(objective(asked, held, money).tolist()):
        total = money[path].sum()
        charged = 7.0 * max(0.0, money[path, 1, 1] - 0.1) + 3.0 * (max(0.0, total - 5.0) + max(0.0, 4.0 - total))
        assert value == pytest.approx(hand_value(asked, path, money[path].ravel()) - charged)


def test_slopes_and_bends_are_differences():
    asked = rest(6, 2)
    money = np.random.default_rng(3).uniform(0.5, 2.0, (2, CHANNELS, COUNT))
    slope, bend = _slopes(asked, money)
    small = 1e-5
    for channel, decision in np.ndindex(CHANNELS, COUNT):
        move = small * cell(channel, decision)
        for path in range(2):
            ends = [hand_value(asked, path, (money[path] + side * move).ravel()) for side in (1, -1)]
            assert slope[path, channel, decision] == pytest.approx((ends[0] - ends[1]) / (2 * small), rel=1e-5)
        turned = (_slopes(asked, money + move)[0] - _slopes(asked, money - move)[0]) / (2 * small)
        assert -bend[:, channel, :, decision] == pytest.approx(turned[:, channel], rel=1e-4, abs=1e-7)


def test_what_cannot_all_be_kept_gives_way_by_its_price():
    """A cap on a cell, dearer, a floor above it, cheaper, and the other way round."""
    asked, start = rest(7, 1), np.full((1, CHANNELS, COUNT), EVEN)
    budget = (ALL, 9.0, 9.0, DEAR)
    for cap, floor, wanted in ((500.0, 100.0, 0.5), (100.0, 500.0, 2.0)):
        held = rows(1, ((cell(0, 0), 0.5, cap), (-cell(0, 0), -2.0, floor)), (budget,))
        found = best(asked, held, start)
        assert found[0, 0, 0] == pytest.approx(wanted, abs=1e-3)
        assert found.sum() == pytest.approx(9.0, rel=1e-4)


def test_a_toll_above_what_a_move_earns_keeps_the_money_where_it_is_and_one_below_does_not():
    """Rules whose price is a toll on moves of a channel from its anchor."""
    asked, start = rest(8, 1), np.full((1, CHANNELS, COUNT), EVEN)
    whole = cell(0, 0) + cell(0, 1) + cell(0, 2)
    budget = (ALL, 9.0, 9.0, DEAR)
    free = best(asked, rows(1, (), (budget,)), start)[0, 0].sum()
    anchor = free - 1.0

    def moved(toll):
        held = rows(1, ((whole, anchor, toll), (-whole, -anchor, toll)), (budget,))
        return best(asked, held, start)[0, 0].sum()

    assert moved(100.0) == pytest.approx(anchor, abs=1e-3)
    assert moved(1e-9) == pytest.approx(free, abs=2e-2)
    assert anchor - 1e-3 <= moved(0.3) <= free + 1e-3


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_outcome_does_not_matter(unit):
    paths = 3
    asked, start = rest(9, paths), np.full((paths, CHANNELS, COUNT), EVEN)
    own, shared = RULES["floors and caps"]
    scaled = replace(asked, worth=asked.worth * unit, cost=asked.cost * unit)
    dear = rows(paths, own, shared)
    priced = replace(dear, price=dear.price * unit)
    assert best(scaled, priced, start) == pytest.approx(best(asked, dear, start), abs=1e-6)


def test_rules_that_are_told_path_by_path_are_those_of_each_path():
    asked, weights = rest(5, 6), np.random.default_rng(5).uniform(0.1, 1.0, (6, CHANNELS, COUNT))
    start = np.full((6, CHANNELS, COUNT), 0.5 * EVEN)
    budget = (ALL, 9.0, -1e6, DEAR)
    plain = rows(6, shared=(budget, (weights[0], 2.0, -1e6, DEAR)))
    alike = replace(plain, shared=plain.shared[:1], apart=np.repeat(plain.shared[None, 1:], 6, axis=0))
    found = best(asked, plain, start)
    assert best(asked, alike, start) == pytest.approx(found, abs=1e-5)
    together = best(asked, replace(alike, apart=weights[:, None]), start)
    assert np.all(np.einsum("pcn,pcn->p", weights, together) <= 2.0 + 1e-4)
    for path in range(6):
        alone = best(asked, rows(6, shared=(budget, (weights[path], 2.0, -1e6, DEAR))), start)
        assert together[path] == pytest.approx(alone[path], abs=1e-4)
