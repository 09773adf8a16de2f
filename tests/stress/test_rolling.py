"""Rolling: the rest of a year planned anew by what is known, against SciPy, the exact planner, and the plan's rules."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from engine.config.scenario import Shock
from engine.errors import InputError
from engine.optimize.over_time.decisions import Spent
from engine.optimize.over_time.several import by_cell, mean_value
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, problem_of
from engine.response.curves import respond
from engine.stress.rolling import Known, chosen_paths, planner, replanned
from tests.stress.scenes import BUDGET, asked, curves, set_up

RULES = {
    "budget alone": "",
    "ramps": "[ramp]\nmax_change = 0.15\n",
    "floors and caps": "[channels.c0]\nfloor = 25_000\nquarter_cap = 9_000\n[channels.c1]\ncap = 26_000\n",
    "commitments": "[channels.c2]\ncommitted = [4_000, 0, 9_000, 8_000]\n",
    "commitments on ramps": "[ramp]\nmax_change = 0.2\n[channels.c0]\ncommitted = [6_000, 6_000, 6_000, 6_000]\n",
    "a share and a group's floor": (
        '[groups.e]\nkinds = ["earned"]\nshare = { min = 0.30, max = 0.34 }\n'
        '[groups.two]\nchannels = ["c0", "c2"]\nfloor = 61_000\n'
    ),
    "a fixed share": '[groups.e]\nkinds = ["earned"]\nshare = { min = 0.3, max = 0.3 }\n',
    "money that need not be spent": "",
}


class Case:
    """A plan that is asked again what to do with the rest of its year."""

    def __init__(self, text="", decide="quarter", **held):
        flexible = text == "flexible"
        told = (
            BUDGET + text
            if not flexible
            else ('budget = { at_most = 90_000 }\n[goal]\nmaximise = "profit"\nmargin = 0.6\n')
        )
        self.scenario = asked(told, decide=decide)
        self.curves = curves(**{"draws": 1, "seed": 3, **held})
        self.told, self.plan = set_up(self.curves, self.scenario)
        self.planner = planner(self.told, self.plan.cells)
        self.cells = by_cell(self.planner.problem, self.plan.cells)
        self.count, self.channels = self.told.grid.count, len(self.told.names)

    def known(self, at, paths=1, **changed):
        """What is known where nothing has happened, but for what is said."""
        left, rest = self.count - at, self.cells[:, at:]
        past = np.repeat(self.cells[None, :, :at], paths, 0)
        usual = {
            "spent": past,
            "bought": past,
            "current": np.repeat(rest[None], paths, 0),
            "total": np.full(paths, self.told.money.sum()),
            "most": np.full((paths, left), np.inf),
            "had": np.ones((paths, self.channels, left)),
            "effect": np.ones((paths, self.channels, left + bool(self.told.tail))),
            "open": np.ones((paths, self.channels, left)),
            "fixed": np.zeros((self.channels, left), bool),
        }
        return Known(**{**usual, **changed})

    def shaken(self, at, paths=4, seed=1, cut=(1.0, 1.0)):
        """Prices, effects and money as luck has it."""
        luck, left = np.random.default_rng(seed), self.count - at
        price = np.where(luck.random((paths, self.channels)) < 0.6, luck.uniform(0.8, 1.5, (paths, self.channels)), 1.0)
        effect = np.where(luck.random(price.shape) < 0.6, luck.uniform(0.6, 1.3, price.shape), 1.0)
        past = self.cells[:, :at].sum()
        total = past + luck.uniform(*cut, paths) * (self.told.money.sum() - past)
        spans = left + bool(self.told.tail)
        return self.known(
            at,
            paths,
            had=np.repeat(1 / price[:, :, None], left, 2),
            effect=np.repeat(effect[:, :, None], spans, 2),
            total=total,
        )

    def whole(self, known, path, money):
        """All of a year's money by cell."""
        return np.concatenate([known.spent[path], money], axis=1).ravel()

    def asked_again(self, total):
        """The rules of the plan with another total."""
        budget = {"at_most": None, "total": None, "at_most" if self.scenario.budget.at_most else "total": total}
        return problem_of(
            self.curves, self.scenario.model_copy(update={"budget": self.scenario.budget.model_copy(update=budget)})
        )

    def value(self, at, known, path, money):
        """What the rest brings by the points, less what it costs [objective]: a loop over points."""
        points, total = self.planner.points, 0.0
        gain = points.gain.reshape(self.channels, self.count, -1)
        there = points.span >= at
        stock = points.offset + np.einsum("ck,cki->i", known.bought[path], gain[:, :at])
        stock = stock + np.einsum("ck,cki->i", money * known.had[path], gain[:, at:])
        came = respond(points.curve, np.maximum(stock, 0.0)) * points.weight
        for point in np.flatnonzero(there).tolist():
            channel = points.channel[point]
            effect = known.effect[path, channel, points.span[point] - at]
            total += came[point] * effect * self.told.margins[channel]
        cost = np.array([way.cost for way in self.planner.problem.ways])[:, at:]
        return float(total - (cost * money).sum())


TEXTS = {name: "flexible" if "need not" in name else text for name, text in RULES.items()}


@pytest.fixture(scope="module", params=TEXTS.values(), ids=TEXTS)
def case(request):
    """A plan of a year by quarter under some rules."""
    return Case(request.param)


@pytest.fixture(scope="module")
def plain():
    """A plan of a year by quarter under a budget alone."""
    return Case()


@pytest.mark.parametrize("at", [1, 3])
def test_where_nothing_has_changed_the_plan_stays(case, at):
    money = replanned(case.planner, at, case.known(at))[0]
    assert np.abs(money - case.cells[:, at:]).max() <= 1e-3 * case.told.money.sum()


@pytest.mark.parametrize("cut", [(1.0, 1.0), (0.93, 1.05)], ids=["money as planned", "other money"])
@pytest.mark.parametrize("at", [1, 3])
def test_every_rule_of_the_plan_is_kept(case, at, cut):
    """Where all of them can be kept: floors and shares are within reach of these cuts."""
    known = case.shaken(at, cut=cut)
    money = replanned(case.planner, at, known)
    assert np.all(money >= 0)
    for path in range(len(money)):
        problem = case.asked_again(float(known.total[path]))
        names = [rule.name for rule in broken(problem, case.whole(known, path, money[path]), 2e-5)]
        assert names == []


def best_by_scipy(case, at, known, path):
    """The best rest by the same points under the same rules, as hard ones."""
    problem, shape = case.asked_again(float(known.total[path])), known.current[path].shape
    over = case.whole(known, path, np.zeros(shape))
    tables, ends = [], []
    for rule in problem.rules:
        to_come, done = by_cell(problem, rule.weights)[:, at:].ravel(), float(rule.weights @ over)
        for sign, end in ((1.0, rule.high), (-1.0, rule.low)):
            if np.isfinite(end) and to_come.any():
                tables.append(sign * to_come)
                ends.append(sign * (end - done))
    table, limits, unit = np.array(tables), np.array(ends), known.current[path].mean()
    found = []
    for start in (known.current[path].ravel() / unit, np.ones(known.current[path].size)):
        done = minimize(
            lambda x: -case.value(at, known, path, x.reshape(shape) * unit) / 1e4,
            start,
            method="SLSQP",
            bounds=[(0, None)] * len(start),
            constraints=[{"type": "ineq", "fun": lambda x: limits / unit - table @ x, "jac": lambda x: -table}],
            options={"maxiter": 200, "ftol": 1e-11},
        )
        if np.all(table @ done.x * unit <= limits + 1e-5 * known.total[path]):
            found.append(-done.fun * 1e4)
    return max(found)


@pytest.mark.parametrize("at", [2])
def test_each_path_has_what_scipy_finds_for_it(case, at):
    known = case.shaken(at, paths=2, seed=5, cut=(0.93, 1.05))
    money = replanned(case.planner, at, known)
    for path in range(2):
        mine, theirs = case.value(at, known, path, money[path]), best_by_scipy(case, at, known, path)
        assert mine == pytest.approx(theirs, rel=2e-4)


@pytest.mark.parametrize("slopes", [(0.6, 0.8, 1.0), (1.2, 2.2, 3.0)], ids=["concave", "S-shaped"])
def test_no_path_is_worse_than_the_plan_cut_in_proportion(slopes):
    one = Case(slopes=slopes)
    known = one.shaken(1, paths=20, cut=(0.6, 1.0))
    money = replanned(one.planner, 1, known)
    share = (known.total - known.spent.sum(axis=(1, 2))) / known.current.sum(axis=(1, 2))
    for path in range(20):
        trimmed = known.current[path] * share[path]
        assert one.value(1, known, path, money[path]) >= one.value(1, known, path, trimmed) * (1 - 1e-7)


def test_paths_together_have_what_they_have_alone(plain):
    known = plain.shaken(2, paths=70, cut=(0.8, 1.1))
    together = replanned(plain.planner, 2, known)
    for path in (0, 1, 63, 64, 69):
        alone = replanned(plain.planner, 2, chosen_paths(known, slice(path, path + 1)))
        assert alone[0] == pytest.approx(together[path], abs=1e-6 * known.total[path])


def test_money_moves_from_what_is_dear_to_what_is_cheap_and_from_what_is_weak_to_what_is_strong(plain):
    usual = replanned(plain.planner, 1, plain.known(1))[0]
    weak = plain.known(1)
    weak.effect[0, 1] = 0.6
    assert replanned(plain.planner, 1, weak)[0, 1].sum() < 0.9 * usual[1].sum()
    strong = plain.known(1)
    strong.effect[0, 1] = 1.5
    assert replanned(plain.planner, 1, strong)[0, 1].sum() > 1.1 * usual[1].sum()


@pytest.mark.parametrize("cut", [0.3, 0.8, 1.0, 1.3, 2.5])
def test_all_the_money_that_there_is_is_spent(plain, cut):
    known = plain.known(1)
    left = cut * plain.cells[:, 1:].sum()
    money = replanned(plain.planner, 1, known._replace(total=plain.cells[:, :1].sum() + np.array([left])))
    assert money.sum() == pytest.approx(left, rel=1e-5)


def test_a_channel_that_is_closed_gets_nothing_and_the_others_its_money(plain):
    known = plain.known(1)
    known.open[0, 1, 1:] = 0.0
    money = replanned(plain.planner, 1, known)[0]
    assert money[1, 1:] == pytest.approx([0.0, 0.0], abs=1e-4 * plain.told.money.sum())
    assert money.sum() == pytest.approx(plain.cells[:, 1:].sum(), rel=1e-5)


def test_notice_keeps_what_is_planned_even_where_prices_change(plain):
    known = plain.shaken(1, paths=4, cut=(0.8, 1.0))
    known.fixed[0, :2] = True
    money = replanned(plain.planner, 1, known)
    wanted = np.repeat(plain.cells[None, 0, 1:3], 4, 0)
    assert money[:, 0, :2] == pytest.approx(wanted, abs=1e-5 * plain.told.money.sum())
    assert money.sum(axis=(1, 2)) == pytest.approx(known.total - known.spent.sum(axis=(1, 2)), rel=1e-5)


def test_what_a_decision_cannot_spend_is_spent_in_others(plain):
    most = np.array([[0.5 * plain.cells[:, 1].sum(), np.inf, np.inf]])
    money = replanned(plain.planner, 1, plain.known(1, most=most))[0]
    assert money[:, 0].sum() == pytest.approx(most[0, 0], rel=1e-4)
    assert money.sum() == pytest.approx(plain.cells[:, 1:].sum(), rel=1e-5)


def test_limits_are_about_the_decisions_that_share_them(plain):
    both = plain.cells[:, 2:].sum()
    limits = {"most": np.array([[np.inf, 0.7 * both]]), "among": np.array([[True, False, False], [False, True, True]])}
    money = replanned(plain.planner, 1, plain.known(1, **limits))[0]
    assert money[:, 1:].sum() == pytest.approx(0.7 * both, rel=1e-4)
    assert money.sum() == pytest.approx(plain.cells[:, 1:].sum(), rel=1e-5)


def kept(case, known, money, slack=1e-4):
    """The names of rules of the plan that are broken."""
    return [rule.name for rule in broken(case.asked_again(float(known.total[0])), case.whole(known, 0, money), slack)]


def test_ramps_give_way_before_floors():
    one = Case("[ramp]\nmax_change = 0.1\n[channels.c1]\nfloor = 24_000\n")
    known = one.known(1)
    known.open[0, 1, 0] = 0.0  # it rests in a quarter, and is to come back at once
    money = replanned(one.planner, 1, known)[0]
    names = kept(one, known, money)
    assert names
    assert all(name.startswith("ramp of") for name in names)
    assert money[1, 0] == pytest.approx(0.0, abs=1e-4 * known.total[0])
    assert money.sum() == pytest.approx(one.cells[:, 1:].sum(), rel=1e-5)


def test_floors_give_way_before_money():
    one = Case("[channels.c0]\nfloor = 45_000\n")
    short = one.cells[:, :1].sum() + 0.5 * (45_000 - one.cells[0, 0])  # less than the floor asks for
    known = one.known(1, total=np.array([short]))
    money = replanned(one.planner, 1, known)[0]
    assert money.sum() == pytest.approx(short - one.cells[:, :1].sum(), rel=1e-4)
    assert money[1:].sum() <= 1e-3 * short  # all that there is goes to what the floor asks for


def test_what_is_committed_is_paid_even_without_money():
    one = Case("[ramp]\nmax_change = 0.5\n[channels.c2]\ncommitted = [4_000, 7_000, 8_000, 9_000]\n")
    known = one.known(1, total=np.array([one.cells[:, :1].sum() + 10_000.0]))
    money = replanned(one.planner, 1, known)[0]
    assert money[2] == pytest.approx([7_000, 8_000, 9_000], rel=1e-3)
    assert money[:2].sum() <= 1e-3 * known.total[0]


@pytest.mark.parametrize(
    ("text", "decide", "words"),
    [
        ("", "horizon", "decides one split for all of its horizon"),
        ("[channels.c0]\nstep = 1_000\n", "quarter", "are not planned anew on every path yet"),
        ("[channels.c0]\nleast_roas = 0.1\n", "quarter", "are not planned anew on every path yet"),
        ('[risk]\nmeasure = "cvar"\n', "quarter", "are not planned anew on every path yet"),
    ],
)
def test_what_cannot_be_planned_anew_is_refused_in_words(text, decide, words):
    told, plan = set_up(curves(draws=2), asked(BUDGET + text, decide=decide))
    with pytest.raises(InputError, match=words):
        planner(told, plan.cells)


def shocks_of(case, known, at, path):
    """The same prices and effects as shocks that a planner knows."""
    begin, found = case.told.grid.begins[at], []
    for channel, name in enumerate(case.told.names):
        terms = (("price", 1 / known.had[path, channel, 0]), ("effectiveness", known.effect[path, channel, 0]))
        for kind, factor in terms:
            given = {"name": f"{kind} of {name}", "kind": kind, "channels": (name,), "factor": float(factor)}
            found.append(Shock.model_validate({**given, "from": begin}))
    return tuple(found)


@pytest.mark.parametrize("rules", ["budget alone", "ramps"])
def test_next_to_nothing_is_lost_against_the_exact_planner(rules):
    one = Case(TEXTS[rules], draws=40)
    for at in (1, 3):
        known = one.shaken(at, paths=2, seed=at, cut=(0.8, 1.1))
        money = replanned(one.planner, at, known)
        spent = Spent(one.told.money[: one.told.grid.edges[at]])
        for path in range(2):
            again = one.scenario.model_copy(
                update={
                    "shocks": shocks_of(one, known, at, path),
                    "budget": one.scenario.budget.model_copy(update={"total": float(known.total[path])}),
                }
            )
            exact = optimize(one.curves, again, priced=False, spent=spent)
            problem = problem_of(one.curves, again, spent)
            mine = one.whole(known, path, money[path])
            assert broken(problem, mine, 2e-5) == []
            assert mean_value(problem, mine) >= exact.net - 1e-3 * abs(exact.net)


def test_one_channel_spends_what_there_is(plain):
    one = Case(slopes=(0.7,))
    known = one.known(1, total=np.array([80_000.0]))
    money = replanned(one.planner, 1, known)
    assert money.sum() == pytest.approx(80_000 - one.cells[:, :1].sum(), rel=1e-5)


def test_the_unit_of_money_of_a_plan_without_a_channel_is_that_of_its_cells(plain):
    assert plain.planner.unit == pytest.approx(plain.told.money.sum() / 12)
    assert replace(plain.planner, usual=1.0).unit == plain.planner.unit
