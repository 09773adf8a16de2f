"""A refresh from files: the same data give the same fit, new weeks move what they tell, and the rest is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.fit import Check
from engine.errors import InputError
from engine.files import digest
from engine.study.last_fit import refresh_text
from engine.study.learn import as_text, document, headline, learn, write_fit
from tests.study.histories import MODEL, write_history, write_model

DRAWS, SEED, OLD, NEW = 80, 5, 70, 83


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A history, its fit, and a model that names it."""
    place = tmp_path_factory.mktemp("refresh")
    write_model(place, "model.toml")
    write_model(place, "again.toml", "first")
    table = write_history(place, "old.csv", OLD)
    write_fit(place / "first", learn(table, place / "model.toml", "fast", SEED, DRAWS))
    write_history(place, "new.csv", NEW)
    return place


@pytest.fixture(scope="module")
def same(folder):
    """The refresh on the same data."""
    fit = learn(folder / "old.csv", folder / "again.toml", "fast", SEED, DRAWS)
    write_fit(folder / "same", fit)
    return fit


@pytest.fixture(scope="module")
def grown(folder):
    """The refresh with 13 new weeks."""
    fit = learn(folder / "new.csv", folder / "again.toml", "fast", SEED, DRAWS)
    write_fit(folder / "grown", fit)
    return fit


def manifest(folder, name):
    return json.loads((folder / name / "manifest.json").read_text())


def test_the_same_data_and_seed_are_the_same_fit_to_the_last_bit(folder, same):
    for name in ("curves.json", "contributions.csv"):
        assert (folder / "first" / name).read_bytes() == (folder / "same" / name).read_bytes()
    assert same.refresh.causes == () and same.refresh.new_periods == 0
    assert all(one.change == 0 and not one.is_beyond for one in same.refresh.changes)
    assert "nothing moved beyond the noise of drawing" in as_text(same)
    assert "noise of drawing  " in as_text(same) and "sampling error" not in as_text(same)


def test_another_seed_moves_nothing_beyond_sampling_error(folder):
    fit = learn(folder / "old.csv", folder / "again.toml", "fast", SEED + 1, DRAWS)
    assert fit.refresh.causes == ("another seed",)
    assert not any(one.is_beyond for one in fit.refresh.changes)
    assert any(one.change != 0 for one in fit.refresh.changes)


def test_old_weeks_count_less_once_new_ones_have_come_and_the_manifest_says_so(folder, grown):
    counted = manifest(folder, "grown")["history"]["counted"]
    assert [one["worth"] for one in counted] == pytest.approx([0.5 ** (13 / 52.1775), 1.0])
    assert [one["start"] for one in counted] == ["2023-01-02", "2024-05-06"]
    assert manifest(folder, "first")["history"] == {
        "start": "2023-01-02",
        "end": "2024-04-29",
        "periods": OLD,
        "outcome": pytest.approx(sum(one.mean[:OLD].sum() for one in grown.contributions)),
        "counted": [{"start": "2023-01-02", "end": "2024-04-29", "worth": 1.0}],
    }


def test_the_comparison_stands_in_health_and_in_the_text(folder, grown):
    told = json.loads((folder / "grown" / "health.json").read_text())["refresh"]
    assert told == document(grown)["refresh"]
    assert told["causes"] == ["13 new weeks"] and told["discount"] == 0.5
    first = json.loads((folder / "first" / "health.json").read_text())
    assert [one["roas_before"] for one in told["channels"]] == [one["roas"] for one in first["channels"]]
    assert "since the last fit" in as_text(grown) and "13 new weeks" in as_text(grown)


def test_a_refresh_of_a_refresh_keeps_its_weights(folder, grown):
    write_model(folder, "third.toml", "grown")
    fit = learn(folder / "new.csv", folder / "third.toml", "fast", SEED, DRAWS)
    assert fit.counted == grown.counted
    for one, other in zip(fit.curves.channels, grown.curves.channels, strict=True):
        assert np.array_equal(one.saturation.parameters["ceiling"], other.saturation.parameters["ceiling"])


def test_restated_and_vanished_weeks_are_causes_of_their_own(folder, same):
    restated = write_history(folder, "restated.csv", OLD, restated=40.0)
    fit = learn(restated, folder / "again.toml", "fast", SEED, DRAWS)
    assert fit.refresh.causes == ("figures of weeks that it saw were restated",)
    shorter = write_history(folder, "shorter.csv", OLD + 4, skipped=4)
    fit = learn(shorter, folder / "again.toml", "fast", SEED, DRAWS)
    assert fit.refresh.causes == ("4 new weeks", "weeks that it saw are no longer in the table")


def refused(folder, table="old.csv", previous="first", text=MODEL, **wanted):
    model = write_model(folder, "wrong.toml", previous, text)
    with pytest.raises(InputError) as fault:
        learn(folder / table, model, "fast", SEED, DRAWS, **wanted)
    return str(fault.value)


def test_a_fit_of_something_else_is_refused_in_one_sentence(folder):
    blog = MODEL[MODEL.index("[channels.blog]") :]
    assert "other channels (it has blog and the model has not)" in refused(folder, text=MODEL.replace(blog, ""))
    renamed = MODEL.replace("[channels.blog]", "[channels.posts]")
    assert "it has blog and the model has not; the model has posts and it has not" in refused(folder, text=renamed)
    assert "its currency is 'EUR', here it is 'USD'" in refused(folder, text=MODEL.replace("EUR", "USD"))
    write_history(folder, "days.csv", OLD, grain="day")
    assert "its period is 'week', here it is 'day'" in refused(folder, "days.csv")


def test_a_fit_that_is_not_there_or_not_whole_is_refused(folder, tmp_path):
    assert "is no folder; name the one of an earlier fit" in refused(folder, previous="nowhere")
    changed = folder / "changed"
    changed.mkdir()
    for name in ("manifest.json", "health.json"):
        (changed / name).write_text((folder / "first" / name).read_text())
    (changed / "health.json").write_text((changed / "health.json").read_text().replace("EUR", "EUR "))
    assert "is not the file that manifest.json describes" in refused(folder, previous="changed")
    old = json.loads((changed / "manifest.json").read_text())
    old.pop("history")
    (changed / "manifest.json").write_text(json.dumps(old))
    assert "history: is missing, so it is no fit of this version" in refused(folder, previous="changed")


def edited(folder, name, change):
    """The first fit with its manifest and health changed by hand, digests included; what its refresh says."""
    place = folder / name
    place.mkdir()
    written, health = (json.loads((folder / "first" / f"{part}.json").read_text()) for part in ("manifest", "health"))
    change(written, health)
    (place / "health.json").write_text(json.dumps(health))
    written["files"]["health.json"] = digest((place / "health.json").read_bytes())
    (place / "manifest.json").write_text(json.dumps(written))
    return refused(folder, previous=name)


EDITS = {
    "draws in words": (lambda fit, _: fit["settings"].update(draws="many"), "settings.draws is 'many'"),
    "no draw": (lambda fit, _: fit["settings"].update(draws=0), "settings.draws is 0"),
    "draws from below": (lambda fit, _: fit["settings"].update(draws=-5), "settings.draws is -5"),
    "another schema": (lambda fit, _: fit.update(schema="peso.fit/9"), "schema: must be 'peso.fit/1'"),
    "a band upside down": (lambda _, health: health["channels"][0].update(roas=[5, 1, -3]), "is not in order"),
    "a return without end": (lambda _, health: health["channels"][0].update(roas=[1, 2, 1e300]), "roas.2: must be"),
}


@pytest.mark.parametrize(("change", "words"), EDITS.values(), ids=EDITS)
def test_a_fit_that_was_edited_by_hand_is_refused_with_its_field(folder, change, words, request):
    said = edited(folder, request.node.callspec.id.replace(" ", "_"), change)
    assert words in said and "no fit of this version; calibrate that history again" in said


def test_a_last_fit_that_is_a_file_or_no_name_is_refused(folder):
    assert "is no folder; name the one of an earlier fit" in refused(folder, previous="model.toml")


def test_a_channel_that_moved_keeps_its_name_in_the_text(same):
    moved = replace(same.refresh.changes[0], is_beyond=True)
    text = refresh_text(replace(same.refresh, changes=(moved,), sentence="tv 1 -> 2: 13 new weeks"))
    assert text.endswith("\n\ntv 1 -> 2: 13 new weeks.")


def test_returns_bear_their_unit(same):
    units = replace(same, curves=replace(same.curves, outcome_value=None, outcome="orders"))
    assert headline(same).endswith(" EUR.") and "return on spend (5-95 %)" in as_text(same)
    assert headline(units).endswith(" orders.") and "orders per EUR 1 (5-95 %)" in as_text(units)
    assert "of the next EUR 1 (5-95 %)" in as_text(units)


def test_channels_that_do_not_run_have_no_return_on_their_next_money_and_are_said_not_to(same):
    first, *rest = same.readings
    idle = replace(first, marginal_roas=None)
    some = replace(same, readings=(idle, *rest))
    none = replace(same, readings=tuple(replace(one, marginal_roas=None) for one in same.readings))
    assert as_text(some).count("not running") == 1 + as_text(same).count("not running")
    assert f"earns most in {first.name}" not in headline(some)
    assert headline(none).endswith("no channel ran in the latest year, so what the next EUR 1 earns is not told.")
    told = json.loads(json.dumps(document(none), allow_nan=False))
    assert [one["marginal_roas"] for one in told["channels"]] == [None] * len(none.readings)


def test_an_experiment_that_takes_trust_away_is_named_in_the_headline(same):
    against = Check("experiment spring", "bad", 4.0, "it found more; check its dates")
    doubted = replace(same, health=replace(same.health, trust="weak", checks=(*same.health.checks, against)))
    assert "experiment spring)" in headline(doubted) and "spring" not in headline(same)


def test_a_table_without_any_week_of_the_last_fit_is_refused(folder):
    write_history(folder, "later.csv", OLD + 40, skipped=OLD)
    assert "has seen none of the 40 weeks" in refused(folder, "later.csv")


def test_the_last_fit_is_never_replaced_by_its_refresh(folder):
    assert "must not replace" in refused(folder, out=folder / "first")
