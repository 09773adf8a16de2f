"""Targets: the budget found meets them, and what is proven of less or more money holds against slow twins."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError, UntrustworthyError
from engine.optimize.budgets.targets import best_at, sized
from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import by_draw, optimize
from engine.optimize.rules import broken, compared, problem_of
from engine.optimize.solve import solve

STEPS = 60  # of the grid of an enumeration
RULES = {
    "free": "",
    "shares": "[groups.a]\nkinds = ['earned']\nshare = { min = 0.3 }\n"
    "[groups.b]\nkinds = ['paid']\nshare = { max = 0.4 }\n",
    "caps and floors": "[channels.c0]\nfloor = 12\ncap = 60\n[channels.c1]\ncap = 50\n",
    "flights": "[every_channel]\nminimum_flight = 45\n",
}


def found(make, held, budget, rules="", periods=1):
    return sized(held, make.scenario(f"budget = {{ {budget} }}\n{rules}", periods))


def one(make, **changed):
    """One channel of 100 s / (s + 50)."""
    return make.curves(make.channel(), **changed)


def test_one_concave_channel_needs_what_its_formula_says(make):
    answer = found(make, one(make), "target_outcome = 60")
    assert answer.proven <= 60 * 50 / 40 <= answer.money <= 75 * (1 + CERTIFIED)
    assert answer.certified
    assert answer.reached == pytest.approx(60, rel=1e-3)


def test_the_most_money_of_an_average_return_is_what_its_formula_says(make):
    answer = found(make, one(make), "target_roas = 0.8")
    assert 75 * (1 - CERTIFIED) <= answer.money <= 100 / 0.8 - 50 <= answer.proven
    assert answer.certified


def test_the_budget_whose_next_unit_returns_just_so_much_is_what_its_formula_says(make):
    answer = found(make, one(make), "target_marginal_roas = 0.5")
    assert answer.money == pytest.approx(np.sqrt(100 * 50 / 0.5) - 50, rel=1e-6)
    assert answer.certified


@pytest.mark.parametrize("value", [None, 30.0])
def test_the_cost_of_a_unit_of_outcome_counts_units_whatever_they_are_worth(make, value):
    answer = found(make, one(make, outcome="orders", outcome_value=value), "target_cac = 1.25")
    assert 75 * (1 - CERTIFIED) <= answer.money <= 1.25 * 100 - 50 <= answer.proven
    assert answer.reached == pytest.approx(1.25, rel=1e-3)
    assert answer.reached <= 1.25


@pytest.mark.parametrize("exponent", [-3, 12])
def test_money_is_found_in_any_unit(make, exponent):
    unit = 10.0**exponent
    held = make.random_curves(np.random.default_rng(5), 2, unit=unit)
    usual = make.random_curves(np.random.default_rng(5), 2)
    for target, scale in (("target_outcome", unit), ("target_roas", 1.0), ("target_marginal_roas", 1.0)):
        wanted = {"target_outcome": 60.0}.get(target, 0.4)
        answer = found(make, held, f"{target} = {wanted * scale}")
        assert answer.money == pytest.approx(found(make, usual, f"{target} = {wanted}").money * unit, rel=CERTIFIED)


def grid(make, held, rules, most):
    """Total and worth of every spend on a grid that keeps the rules, by the textbook formulas."""
    step = most / STEPS
    single = [np.array([make.worth(make.curves(c), [step * k]) for k in range(STEPS + 1)]) for c in held.channels]
    taken = np.indices([STEPS + 1] * len(single)).reshape(len(single), -1)
    total = step * taken.sum(0)
    worth = sum(values[at] for values, at in zip(single, taken, strict=True))
    spend, kept = step * taken, total > 0
    if rules == "shares":
        kept &= (spend[1] >= 0.3 * total - 1e-9) & (spend[0] <= 0.4 * total + 1e-9)
    if rules == "caps and floors":
        kept &= (spend[0] >= 12 - 1e-9) & (spend[0] <= 60 + 1e-9) & (spend[1] <= 50 + 1e-9)
    if rules == "flights":
        kept &= ((spend == 0) | (spend >= 45 - 1e-9)).all(0)
    return total[kept], worth[kept]


@pytest.mark.parametrize(("seed", "rules"), list(enumerate(RULES)))
def test_no_spend_of_an_enumeration_meets_a_target_better_than_the_budget_found(make, seed, rules):
    held = make.random_curves(np.random.default_rng(seed), 3)
    total, worth = grid(make, held, rules, 300.0)
    level = 0.55 * worth.max()
    answer = found(make, held, f"target_outcome = {level}", RULES[rules])
    cheapest = total[worth >= level].min()
    assert answer.proven <= cheapest
    assert answer.money <= cheapest * (1 + CERTIFIED)
    rate = 0.9 * (worth / total).max()
    answer = found(make, held, f"target_roas = {rate}", RULES[rules])
    widest = total[worth >= rate * total].max()
    assert answer.proven >= widest
    assert answer.money >= widest * (1 - CERTIFIED)
    price = 0.5 * (worth / total).max()
    answer = found(make, held, f"target_marginal_roas = {price}", RULES[rules])
    gained = answer.solved.value - price * answer.money
    assert gained >= (worth - price * total).max() - 1e-6 * worth.max()


@pytest.mark.parametrize(("seed", "rules"), list(enumerate(RULES)))
def test_the_plan_of_a_target_keeps_every_rule_and_meets_it_and_its_money_is_proven(make, seed, rules):
    held = make.random_curves(np.random.default_rng(seed), 3)
    usual = optimize(held, make.scenario(f"budget = {{ total = 150 }}\n{RULES[rules]}"), priced=False).chosen.value.mean
    for target in (f"target_outcome = {1.1 * usual}", f"target_roas = {0.9 * usual / 150}"):
        answer = found(make, held, target, RULES[rules])
        assert answer.certified
        assert broken(answer.problem, answer.solved.spend) == []
        assert answer.reached >= answer.wanted
        assert answer.money == pytest.approx(answer.solved.spend.sum())
        assert (answer.proven <= answer.money) == target.startswith("target_outcome")


@pytest.mark.parametrize("seed", [0])
def test_more_outcome_never_asks_for_less_money_and_a_higher_return_never_leaves_more(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 2)
    money = [found(make, held, f"target_outcome = {level}").money for level in (20, 40, 60)]
    assert all(more >= less * (1 - CERTIFIED) for less, more in itertools.pairwise(money))
    for target in ("target_roas", "target_marginal_roas"):
        money = [found(make, held, f"{target} = {rate}").money for rate in (0.2, 0.3, 0.4)]
        assert all(more <= less * (1 + CERTIFIED) for less, more in itertools.pairwise(money))


@pytest.mark.parametrize("seed", [0])
def test_plans_of_less_money_miss_an_outcome_and_plans_of_more_miss_an_average(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 3)

    def brings(total):
        return optimize(held, make.scenario(f"budget = {{ total = {total} }}\n"), priced=False).chosen.value.mean

    answer = found(make, held, "target_outcome = 100")
    assert all(brings(answer.proven * part) < 100 for part in (0.5, 0.8, 0.95, 0.999))
    answer = found(make, held, "target_roas = 0.6")
    assert all(brings(answer.proven * part) < 0.6 * answer.proven * part for part in (1.001, 1.05, 1.2, 1.5, 3.0))


def test_a_marginal_return_on_s_curves_is_met_at_the_best_of_all_budgets(make):
    """At 13 of money the next unit brings just 1 as well, and every budget up to 80 brings less than it costs."""
    held = make.curves(make.channel(ceiling=300.0, halfway=80.0, slope=4.0))
    answer = found(make, held, "target_marginal_roas = 1")
    money = np.linspace(0, 400, 40_001)
    left = 300 * money**4 / (money**4 + 80.0**4) - money
    assert answer.money == pytest.approx(money[left.argmax()], rel=1e-3)
    slope = np.gradient(left, money)
    assert np.sum(np.diff(np.sign(slope[1:])) != 0) == 2
    assert left[money < 20].min() < 0


def test_asking_again_with_the_money_found_gives_the_same_plan(make):
    held = make.random_curves(np.random.default_rng(1), 3)
    answer = found(make, held, "target_outcome = 150", RULES["shares"])
    again = optimize(held, make.scenario(f"budget = {{ total = {answer.money} }}\n{RULES['shares']}"))
    assert again.chosen.spend == pytest.approx(answer.solved.spend.tolist(), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("target", ["target_outcome = 60", "target_roas = 0.55", "target_marginal_roas = 0.5"])
def test_prudent_plans_get_no_better_terms_and_the_proof_is_of_all_plans(make, target):
    """The better channel is in doubt and got little so far, so that prudent plans leave money where it is."""
    doubted = make.channel("tv", np.array([40.0, 160.0]), mean=5.0)
    held = make.curves(doubted, make.channel("search", np.array([50.0, 50.0]), mean=60.0))
    free = found(make, held, target)
    careful = found(make, held, target, "[goal]\nprudence = 0.6\n")
    assert (careful.proven, careful.unhurried) == (free.proven, free.unhurried)
    assert careful.problem.prudence == 0.6
    if target.startswith("target_outcome"):
        assert careful.reached >= 60
        assert careful.money > 1.05 * free.money
    if target.startswith("target_roas"):
        assert careful.reached >= 0.55
        assert careful.money < 0.95 * free.money


ABSURD = {
    "target_outcome = 1e-9": "next to nothing of what these channels take",
    "target_outcome = 1e15": "out of reach",
    "target_roas = 1e-9": "times what these channels take",
    "target_roas = 1e15": "out of reach at any budget",
    "target_marginal_roas = 1e-9": "times what these channels take",
    "target_marginal_roas = 1e15": "out of reach at any budget",
}


@pytest.mark.parametrize("by", ["one split", "quarter"])
@pytest.mark.parametrize("target", ABSURD)
def test_an_absurd_target_is_answered_in_one_clear_sentence(make, target, by):
    held = make.curves(make.channel("tv", slope=0.6), make.channel("search", 60.0, 90.0, 0.8))
    asked = make.scenario if by == "one split" else make.quarterly
    with pytest.raises((InputError, InfeasibleError), match=r"budget\.target") as refusal:
        sized(held, asked(f"budget = {{ {target} }}", 26))
    assert ABSURD[target] in str(refusal.value)
    assert str(refusal.value).count(". ") == 0


REFUSED = {
    "target_outcome = 500": (
        InfeasibleError,
        "target_outcome USD 500 is out of reach: USD 40.0 k bring USD 99.9, and no plan",
    ),
    "target_roas = 3": (InfeasibleError, "the highest average return found is 1."),
    "target_marginal_roas = 3": (InfeasibleError, "out of reach at any budget"),
    "target_cac = 1": (InputError, "needs an outcome that is counted"),
}


@pytest.mark.parametrize("target", REFUSED)
def test_what_cannot_be_met_is_refused_with_the_most_there_is(make, target):
    kind, told = REFUSED[target]
    with pytest.raises(kind, match=r"budget\.target") as refusal:
        found(make, one(make), target)
    assert told in str(refusal.value)


@pytest.mark.parametrize("rate", [1.3, 1.5, 1.9])
def test_an_average_that_floors_keep_out_of_reach_at_some_money_is_refused_as_such(make, rate):
    """Money that no plan can do with was asked for again and again, and then nothing was said to be proven of it.

    100 s / (s + 50) returns 100 / (s + 50), so that a floor of 40 leaves 1.11 at the most.
    """
    with pytest.raises(InfeasibleError, match=r"out of reach at any budget: the highest average return found is 1\.11"):
        found(make, one(make), f"target_roas = {rate}", "[channels.tv]\nfloor = 40\n")


@pytest.mark.parametrize("by", ["one split", "quarter"])
def test_floors_beyond_all_money_that_could_keep_an_average_refuse_it_at_once(make, by):
    held = make.curves(make.channel("tv"), make.channel("search", 60.0, 90.0, 0.8))
    asked = make.scenario if by == "one split" else make.quarterly
    scenario = asked("budget = { target_roas = 155 }\n[channels.tv]\nfloor = 40\n", 26)

    def refuse(*_):
        raise AssertionError("a plan was asked for")

    with pytest.raises(InfeasibleError, match=r"out of reach at any budget: no plan of more than .* the floors alone"):
        sized(held, scenario, solver=refuse)


def test_caps_are_named_by_what_they_allow(make):
    with pytest.raises(InfeasibleError, match=r"USD 50 bring USD 50, and no plan of up to USD 50 brings more than"):
        found(make, one(make), "target_outcome = 60", "[channels.tv]\ncap = 50\n")


def test_rules_that_no_plan_keeps_are_named(make):
    rules = "[channels.tv]\nfloor = 40\n[groups.g]\nchannels = ['tv']\ncap = 30\n"
    for target in ("target_outcome = 10", "target_roas = 0.5", "target_marginal_roas = 0.5"):
        with pytest.raises(InfeasibleError, match=r"no plan keeps these rules together: .*floor of tv"):
            found(make, one(make), target, rules)


def test_a_target_that_does_not_fit_goal_or_curves_is_refused(make):
    with pytest.raises(InputError, match="the goal is profit"):
        found(make, one(make), "target_roas = 1", '[goal]\nmaximise = "profit"\nmargin = 0.5\n')
    with pytest.raises(InputError, match="give target_cac"):
        found(make, one(make, outcome="orders"), "target_roas = 1")
    with pytest.raises(InputError, match="its budget has no target"):
        found(make, one(make), "total = 3")


def test_curves_without_end_have_no_largest_budget(make):
    held = make.curves(make.channel(family="power", slope=1.0))
    with pytest.raises(InfeasibleError, match="cap the channels"):
        found(make, held, "target_roas = 0.5")
    capped = found(make, held, "target_roas = 0.5", "[channels.tv]\ncap = 30\n")
    assert capped.money == pytest.approx(30)


def test_doubling_every_break_even_price_never_raises_the_budget(make):
    """The public step behind `target_marginal_roas`, as the frontier asks it."""
    from engine.optimize.budgets.targets import Question  # noqa: PLC0415
    from engine.optimize.rules import problem_of  # noqa: PLC0415
    from engine.optimize.solve import solve  # noqa: PLC0415

    held = make.random_curves(np.random.default_rng(3), 4)
    question = Question(held, make.scenario("budget = { total = 1 }\n"), problem_of, solve)
    spent = [best_at(question, price)[0].spent for price in (0.25, 0.5, 1.0, 2.0)]
    assert spent == sorted(spent, reverse=True)


@pytest.mark.parametrize("prudence", [0.0, 0.4])
@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.2, 2.5)], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("target", ["target_outcome", "target_roas"])
def test_by_quarter_few_plans_find_the_money_that_a_bisection_over_plans_finds(make, target, slope, prudence):
    """Every trial of a bracket once was a plan of its own, tens of seconds for one answer."""
    held = make.random_curves(np.random.default_rng(4), 3, draws=8, slope=slope)
    goal = f'goal = {{ maximise = "outcome", prudence = {prudence} }}'
    wanted = {"target_outcome": 4000.0, "target_roas": 1.2}[target]
    planned = list[float]()

    def counting(problem, memory, starts):
        planned.append(problem.budget.high)
        return solve(problem, memory, starts)

    found = sized(held, make.quarterly(f"budget = {{ {target} = {wanted} }}\n{goal}", 26), solver=counting)

    def brought(money):
        problem = problem_of(held, make.quarterly(f"budget = {{ total = {money} }}\n{goal}", 26))
        return by_draw(problem, solve(problem, starts=(compared(problem),)).spend)[1].mean()

    def meets(money):
        return brought(money) >= (wanted if target == "target_outcome" else wanted * money)

    aside = 1.004 if target == "target_outcome" else 1 / 1.004
    assert len(planned) <= 9
    assert found.reached >= wanted * (1 - 1e-6)
    assert meets(found.money * aside)
    assert not meets(found.money / aside)
    assert found.solved.bound >= found.solved.value
    proven = found.proven if target == "target_outcome" else 1 / found.proven
    assert proven <= (found.unhurried if target == "target_outcome" else 1 / found.unhurried) * (1 + 1e-9)


def test_a_target_beside_a_measure_of_risk_is_refused_not_planned_by_the_mean(make):
    text = 'budget = { target_outcome = 20 }\n[risk]\nmeasure = "cvar"'
    with pytest.raises(InputError, match=r'cannot be planned beside risk.measure = "cvar"'):
        optimize(one(make), make.scenario(text))
    plan = optimize(one(make), make.scenario(f"{text}\nweight = 0"), priced=False)
    assert plan.chosen.outcome.mean == pytest.approx(20, rel=2e-3)


@pytest.mark.parametrize("target", ["target_outcome = 4000", "target_roas = 1.2", "target_marginal_roas = 1"])
@pytest.mark.parametrize("proven", [True, False])
def test_money_by_quarter_is_only_as_sure_as_every_bound_that_it_rests_on(make, target, proven):
    """The plan of the money can be proven while what less or more money brings is an estimate."""
    held = make.random_curves(np.random.default_rng(4), 2, draws=3, slope=(0.4, 1.0))
    question = make.quarterly(f"budget = {{ {target} }}\n", 26)

    def solver(problem, memory, starts):
        of_one_total = problem.budget.low == problem.budget.high
        return replace(solve(problem, memory, starts), proven=proven or of_one_total)

    found = sized(held, question, solver=solver)
    assert found.solved.proven
    assert (found.sure, found.certified) == (proven, proven)


@pytest.mark.parametrize("target", ["target_outcome = 90_000", "target_roas = 900"])
@pytest.mark.parametrize("proven", [True, False])
def test_a_target_by_quarter_is_out_of_reach_only_where_that_is_proven(make, target, proven):
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 80.0, 50.0))

    def solver(problem, memory, starts):
        return replace(solve(problem, memory, starts), proven=proven)

    kind, words = (
        (InfeasibleError, "is out of reach") if proven else (UntrustworthyError, "no proof that there is none.*--prove")
    )
    with pytest.raises(kind, match=words):
        sized(held, make.quarterly(f"budget = {{ {target} }}\n", 26), solver=solver)
