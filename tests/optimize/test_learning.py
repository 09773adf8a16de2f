"""Money for learning: a share or an amount that goes to channels being tested, named or found by what they hide."""

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError
from engine.optimize.learning import with_learners
from engine.optimize.plan import optimize


def doubtful(make, draws=64):
    """Two channels that are known, one good one of which nobody knows how good, and one that is never worth money."""
    rng = np.random.default_rng(1)
    unsure = 150.0 * np.exp(0.8 * rng.standard_normal(draws))
    dull = 1.0 * np.exp(0.8 * rng.standard_normal(draws))
    same = np.full(draws, 150.0)
    return make.curves(
        make.channel("tv", same, 50.0),
        make.channel("radio", same, 60.0),
        make.channel("pr", unsure, 50.0),
        make.channel("blog", dull, 50.0),
    )


@pytest.mark.parametrize("budget", ["total", "at_most"])
def test_a_share_goes_at_least_to_the_channels_that_are_tested(make, budget):
    text = f'budget = {{ {budget} = 100 }}\n[learn]\nshare = 0.05\nchannels = ["blog"]\n'
    plan = optimize(doubtful(make), make.scenario(text))
    assert plan.chosen.spend[3] == pytest.approx(0.05 * plan.spend, rel=1e-6)
    assert "least share of learning (blog)" in plan.binding
    assert plan.certified
    free = optimize(doubtful(make), make.scenario(f"budget = {{ {budget} = 100 }}\n"), priced=False)
    assert plan.chosen.value.mean < free.chosen.value.mean


def test_an_amount_is_one_whatever_the_budget(make):
    text = 'budget = { total = 200 }\n[learn]\namount = 7\nchannels = ["blog", "pr"]\n'
    plan = optimize(doubtful(make), make.scenario(text.replace('"blog", "pr"', '"blog"')))
    assert plan.chosen.spend[3] == pytest.approx(7.0)
    both = optimize(doubtful(make), make.scenario(text))
    assert both.chosen.spend[3] < 1e-6 < both.chosen.spend[2]  # pr has it anyway


def test_without_names_it_goes_to_what_is_worth_knowing(make):
    asked = make.scenario("budget = { total = 100 }\n[learn]\nshare = 0.5\nmost = 1\n")
    found = with_learners(doubtful(make), asked)
    assert found.learn.channels == ("pr",)
    assert optimize(doubtful(make), found).chosen.spend[2] >= 50.0 - 1e-6
    assert with_learners(doubtful(make), found) is found


def test_where_nothing_is_to_be_learned_names_are_asked_for(make):
    asked = make.scenario("budget = { total = 100 }\n[learn]\nshare = 0.1\n")
    with pytest.raises(InputError, match="3 draws are too few to tell which are worth learning about, where 32"):
        with_learners(doubtful(make, 3), asked)
    known = make.curves(*(make.channel(name, np.full(40, 99.0), 50.0) for name in ("tv", "pr")))
    with pytest.raises(InputError, match="would change no plan"):
        with_learners(known, asked)
    with pytest.raises(InputError, match="were not looked for"):
        optimize(known, asked)


def test_money_for_learning_in_conflict_is_told_as_a_share(make):
    text = 'budget = { total = 100 }\n[learn]\nshare = 0.2\nchannels = ["blg"]\n[channels.blog]\ncap = 10\n'
    with pytest.raises(InputError, match=r"learn names 'blg'.*did you mean 'blog'"):
        optimize(doubtful(make), make.scenario(text))
    text = text.replace("blg", "blog")
    with pytest.raises(InfeasibleError, match=r"least share of learning \(blog\) >= USD 20.*\(10 % of all spend\)"):
        optimize(doubtful(make), make.scenario(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("share = 0.1\namount = 3", "either a share of the budget or an amount"),
        ("most = 3", "either a share of the budget or an amount"),
        ('share = 0.1\nmost = 1\nchannels = ["tv"]', "leave it out"),
        ("share = 0", "greater than 0"),
    ],
)
def test_what_contradicts_itself_is_refused(make, text, words):
    with pytest.raises(InputError, match=words):
        make.scenario("budget = { total = 100 }\n[learn]\n" + text + "\n")
