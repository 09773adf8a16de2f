"""What curves run on: exposure at today's price, reach with frequency; and prices and promotions as controls."""

from datetime import date

import numpy as np
import pytest

from engine.errors import InputError

EXPOSED = '[channels.tv]\nkind = "paid"\nspend = "tv"\nexposure = "seen"\n'


def with_columns(tables, **columns):
    """The good table and more columns, each a function of the row's number."""
    header = ",".join(["date,tv,pr,sales", *columns])
    rows = [[*row, *(str(column(at)) for column in columns.values())] for at, row in enumerate(tables.rows)]
    return tables.table(rows, header)


def yearly(cost, seen=lambda at: 100 + 37 * at % 211, count=36):
    """Three years of months: date, sales, money and exposure at a price by month."""
    rows = [
        [str(date(2021 + at // 12, at % 12 + 1, 1)), str(1000 + at), repr(cost(at) * seen(at)), str(seen(at))]
        for at in range(count)
    ]
    return "\n".join(["date,sales,tv,seen", *(",".join(row) for row in rows)])


def test_exposure_is_counted_at_the_price_of_the_latest_year_at_which_plans_will_buy_it(tmp_path, tables):
    found = tables.read(tmp_path, yearly(lambda at: 2.0 if at < 24 else 5.0), rest=EXPOSED)
    seen = np.array([100 + 37 * at % 211 for at in range(36)], dtype=float)
    np.testing.assert_allclose(found.driver[:, 0, 0], 5.0 * seen, rtol=1e-14)
    np.testing.assert_allclose(found.spend[:, 0, 0], np.where(np.arange(36) < 24, 2.0, 5.0) * seen, rtol=1e-14)
    assert found.driver[-12:].sum() == pytest.approx(found.spend[-12:].sum(), rel=1e-14) and found.notes == ()


def test_a_channel_that_rested_for_a_year_has_the_price_of_its_whole_history_and_a_note(tmp_path, tables):
    found = tables.read(tmp_path, yearly(lambda at: 2.0, lambda at: 50 + at if at < 20 else 0), rest=EXPOSED)
    assert found.driver[:20, 0, 0] == pytest.approx(2.0 * (50 + np.arange(20)))
    assert ["'tv' did not run in the latest year" in note for note in found.notes] == [True]


def test_the_price_of_the_latest_year_survives_adding_up(tmp_path, tables):
    content = yearly(lambda at: 2.0 if at < 24 else 5.0)
    monthly = tables.read(tmp_path, content, rest=EXPOSED)
    quarterly = tables.read(tmp_path, content, 'aggregate = "quarter"', rest=EXPOSED)
    np.testing.assert_allclose(quarterly.driver[:, 0, 0], monthly.driver[:, 0, 0].reshape(12, 3).sum(axis=1))


MET = '[channels.tv]\nkind = "paid"\nreach = "people"\nfrequency = "often"\n'


def test_people_reached_count_by_how_often_and_money_is_spend_or_contacts_at_their_cost(tmp_path, tables):
    people, often = np.array([100.0 + 10 * at for at in range(12)]), np.array([1.0 + at % 3 for at in range(12)])
    people[4], often[4] = 0.0, 0.0
    content = with_columns(tables, people=lambda at: people[at], often=lambda at: often[at])
    effective = people * often / (1 + often)
    spent = tables.read(tmp_path, content, rest=MET + 'spend = "tv"\n')
    spend = np.array([float(row[1]) for row in tables.rows])
    assert spent.driver[:, 0, 0] == pytest.approx(effective * spend.sum() / effective.sum())
    assert spent.spend[:, 0, 0].tolist() == spend.tolist()
    effort = tables.read(tmp_path, content, rest=MET + "cost_per_exposure = 0.5\n")
    assert effort.spend[:, 0, 0] == pytest.approx(0.5 * people * often)
    assert effort.driver.sum() == pytest.approx(effort.spend.sum())
    often[7] = 0.5
    with pytest.raises(InputError, match=r"'often': frequency 0.5 on 2024-02-19.*170 people.*1 contact"):
        tables.read(
            tmp_path,
            with_columns(tables, people=lambda at: people[at], often=lambda at: often[at]),
            rest=MET + 'spend = "tv"',
        )


def test_a_price_is_a_log_around_its_mean_by_region_and_a_promotion_stays_as_it_is(tmp_path, tables):
    content = with_columns(tables, shelf=lambda at: 2 + at % 3, off=lambda at: 0.1 * (at % 2), mood=lambda at: at)
    roles = '[controls]\ncolumns = ["mood"]\nprice = "shelf"\npromotion = "off"\n'
    found = tables.read(tmp_path, content, rest=tables.channels + roles)
    assert found.control_names == ("mood", "shelf", "off")
    assert found.control_roles == ("other", "price", "promotion")
    shelf = np.array([2.0 + at % 3 for at in range(12)])
    assert found.controls[:, 0, 1] == pytest.approx(np.log(shelf / shelf.mean()))
    assert found.controls[:, 0, 2] == pytest.approx(0.1 * (np.arange(12) % 2))
    with pytest.raises(InputError, match=r"line 3, column 'shelf': '0' is zero"):
        tables.read(
            tmp_path,
            with_columns(tables, shelf=lambda at: int(at != 1), off=lambda at: 0, mood=lambda at: 0),
            rest=tables.channels + roles,
        )
