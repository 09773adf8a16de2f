"""The README says which families a curves file may name, what each takes, and within which limits."""

import re

import pytest

from engine.response.adstock import ADSTOCKS
from engine.response.saturation import SATURATIONS

FAMILIES = {**ADSTOCKS, **SATURATIONS}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_readme_names_each_family_with_what_it_takes_and_its_limits(root, name):
    rows = re.findall(rf"^\| `{name}` \|.*$", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 1
    taken = rows[0].rsplit("|", 2)[1]
    assert re.findall(r"`(\w+)`", taken) == list(FAMILIES[name].shape)
    assert [limit for limit in FAMILIES[name].shape.values() if str(limit) not in taken] == []
