"""A folder with curves and a question, as a user would have it."""

import json

import pytest

CURVES = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "channels": [
        {
            "name": name,
            "kind": kind,
            "adstock": {"family": "geometric", "retain": [0.3, 0.4]},
            "saturation": {"family": "hill", "ceiling": [90.0, 110.0], "halfway": [40.0, 60.0], "slope": [slope, 1.2]},
            "history": {"mean": 30.0, "max": 60.0},
        }
        for name, kind, slope in (("tv", "paid", 2.0), ("search", "paid", 0.8), ("pr", "earned", 1.0))
    ],
}
QUESTION = 'name = "{0}"\nhorizon = {{ start = 2027-01-04, periods = 52 }}\nbudget = {{ total = 3000 }}\n'


@pytest.fixture
def folder(tmp_path):
    """Curves, a question, and one that no plan can keep."""
    (tmp_path / "curves.json").write_text(json.dumps(CURVES))
    (tmp_path / "q.toml").write_text(
        QUESTION.format("Next year") + '[groups.earned]\nkinds = ["earned"]\nshare = { min = 0.2 }\n'
    )
    (tmp_path / "cannot.toml").write_text(QUESTION.format("Too much") + "[channels.tv]\nfloor = 3500\n")
    return tmp_path
