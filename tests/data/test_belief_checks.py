"""Beliefs and the totals of history: what no curve can keep is refused, what one can is read."""

import pytest

from engine.errors import InputError

TV, PR = '[channels.tv]\nkind = "paid"\nspend = "tv"\n', '[channels.pr]\nkind = "earned"\nspend = "pr"\n'


@pytest.fixture
def believed(tmp_path, tables):
    """`believed(of_tv, of_pr)`: the small history with these beliefs, and the share of sales that tv's spend is."""

    def read(of_tv, of_pr=""):
        dataset = tables.read(tmp_path, tables.table(), "", TV + of_tv + "\n" + PR + of_pr + "\n")
        return float(dataset.spend[:, :, 0].sum() / dataset.outcome.sum())

    return read


def test_returns_that_bring_more_than_everything_are_refused(believed):
    """At the edge from both sides: tv returns just less, or just more, than what pr leaves of all sales."""
    unit = believed("")
    tv = "roas = {{ low = {0!r}, high = 900 }}".format
    pr = "share = { low = 0.25, high = 0.5 }"
    assert believed(tv(0.74 / unit), pr) == unit
    with pytest.raises(
        InputError, match=r"^.*model.toml: .*ask for 101 % of all 'sales' \('tv' 76 %, 'pr' 25 %\); low"
    ):
        believed(tv(0.76 / unit), pr)


@pytest.mark.parametrize("as_roas", [False, True])
def test_an_elasticity_far_above_what_the_channel_brought_is_refused(believed, as_roas):
    """Elasticity is share times steepness: five times the share is the most."""
    high = 0.02 / believed("") if as_roas else 0.02
    told = (
        f"{'roas' if as_roas else 'share'} = {{ low = 1e-9, high = {high!r} }}\nelasticity = {{ low = %s, high = 1 }}"
    )
    assert believed(told % 0.099)
    with pytest.raises(InputError, match=r"channel 'tv': to move the outcome by 0.101 % .*(roas|share).high.* 2 % at"):
        believed(told % 0.101)
