"""An outside oracle: a published simulator's example, its returns known without noise, from this engine's law of reach.

The truth is that simulator's at a population of 1e14, where its luck no longer matters and its own formula for
reach does not yet cancel.
"""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.simulate import amss

LAST_YEAR = slice(156, 208)


@pytest.fixture(scope="module")
def vignette(root):
    """The folder of the oracle, beside the public data; it is never part of this repository."""
    named = os.environ.get("PESO_PUBLIC_DATA")
    folder = (Path(named).parent if named else root.parent / "shared") / "fixtures"
    if not (folder / "amss_vignette.csv").is_file():
        pytest.skip("the AMSS oracle amss_vignette.csv is not in the folder 'fixtures' beside the public data")
    return folder


@pytest.fixture(scope="module")
def weeks(vignette):
    season, flight = np.loadtxt(vignette / "amss_vignette.csv", delimiter=",", skiprows=1).T
    return amss.plan(season, flight)


@pytest.fixture(scope="module")
def told(weeks):
    return amss.run(amss.start(weeks), weeks)[1]


@pytest.fixture(scope="module")
def published(vignette):
    """One run of the published simulator, with its own luck."""
    return np.genfromtxt(vignette / "amss_vignette_run.csv", delimiter=",", names=True, deletechars="")


def last_year(weeks):
    """The last year's weeks, and the people in whom it starts."""
    early = amss.Week(*(field[: LAST_YEAR.start] for field in weeks))
    return amss.run(amss.start(weeks), early)[0], amss.Week(*(field[LAST_YEAR] for field in weeks))


def roas(weeks, **changed):
    """Change in revenue over change in total spend, the last year rerun with some channels changed."""
    people, year = last_year(weeks)
    other = year._replace(**{name: factor * getattr(year, name) for name, factor in changed.items()})
    before, after = (amss.run(people, plan)[1] for plan in (year, other))
    return float((before.revenue - after.revenue).sum() / (before.spend - after.spend).sum())


@pytest.mark.parametrize(
    ("changed", "truth"),
    [({"tv": 0.0}, 3.7081), ({"search": 0.0}, 1.5387), ({"tv": 0.95}, 1.4503)],
    ids=["tv", "search", "tv at -5 %"],
)
def test_returns_of_the_last_year_are_the_oracles_to_every_digit_told(weeks, changed, truth):
    assert roas(weeks, **changed) == pytest.approx(truth, abs=6e-5)


def test_the_marginal_return_is_the_slope_of_revenue(weeks):
    people, year = last_year(weeks)

    def revenue(factor):
        return amss.run(people, year._replace(tv=factor * year.tv))[1].revenue.sum()

    slope = float(jax.grad(revenue)(1.0))
    step = 1e-4
    assert slope == pytest.approx(float(revenue(1 + step) - revenue(1 - step)) / (2 * step), rel=1e-6)
    assert slope / year.tv.sum() < roas(weeks, tv=0.95) < roas(weeks, tv=0.0)


@pytest.mark.parametrize(
    ("column", "volume"),
    [
        ("revenue", lambda told: (told.revenue, amss.PRICE)),
        ("competitor.sales", lambda told: (told.rival_sales, 1.0)),
        ("search.clicks", lambda told: (told.clicks, 1.0)),
        ("search.imps", lambda told: (told.impressions, 1.0)),
    ],
)
def test_weekly_volumes_differ_from_a_published_run_by_its_counting_noise_alone(told, published, column, volume):
    """Counts of people who act on their own are Poisson or less: 208 of them, each standardised by its mean's root."""
    mean, unit = (np.asarray(part) for part in volume(told))
    off = (published[column] - mean) / np.sqrt(unit * np.maximum(mean, 1.0))
    switched_on = mean > 0
    assert (published[column][~switched_on] == 0).all()
    off = off[switched_on]
    assert np.abs(off).max() < 4.5
    assert abs(off.mean()) < 3 / np.sqrt(off.size)
    assert off.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * off.size))


def test_weekly_spend_is_the_published_runs(weeks, told, published):
    assert published["tv.spend"] == pytest.approx(weeks.tv, rel=1e-12)
    searching = np.asarray(told.spend) - weeks.tv
    assert published["search.spend"] == pytest.approx(searching, rel=0.01, abs=1e-3)


def test_nobody_is_lost_and_only_people_of_the_market_are_active(weeks):
    people = amss.start(weeks)
    for week in range(0, 208, 13):
        one = amss.Week(*(jnp.asarray(field[week : week + 1]) for field in weeks))
        people, _ = amss.run(people, one)
        assert float(people.sum()) == pytest.approx(1.0, abs=1e-13)
        assert float(people.min()) >= 0.0
        assert float(people[amss.IN_SATIATED :].sum()) == pytest.approx(float(one.in_market[0]), rel=1e-12)
