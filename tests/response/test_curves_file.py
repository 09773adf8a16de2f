"""The file curves.json: what is written comes back to the last bit, what is wrong is named with its place."""

import copy
import itertools
import json
import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.response.adstock import ADSTOCKS
from engine.response.curves import KINDS, ROLES, Channel, Curves, Family, History, Mixture
from engine.response.curves_file import curves_document, read_curves, write_curves
from engine.response.saturation import SATURATIONS

GOOD = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "draws": 2,
    "channels": [
        {
            "name": "tv",
            "kind": "paid",
            "adstock": {"family": "geometric", "retain": [0.61, 0.58]},
            "saturation": {
                "family": "hill",
                "ceiling": [52000, 50100],
                "halfway": [21000, 22500],
                "slope": [1.7, 1.6],
            },
            "history": {"mean": 18000, "max": 61000, "last": [17000, 17500, 16000]},
        }
    ],
}

positive = st.floats(1e-6, 1e12, allow_subnormal=False)
MONEY = positive
RANGES = {  # of each family, as far as its documentation allows
    name: {
        field: st.floats(max(one.low, 0.01), min(one.high, 49.9) if one.closed_high else one.high - 0.001)
        for field, one in family.shape.items()
    }
    for name, family in (*ADSTOCKS.items(), *SATURATIONS.items())
}


@st.composite
def some_curves(draw) -> Curves:
    """Curves of any family, with any names a person could choose."""
    count = draw(st.integers(1, 3))

    def families(table: dict[str, Any], common: tuple[str, ...] = ()) -> Family | Mixture:
        """One family for all draws, or a mixture that cuts them anywhere."""
        cuts = sorted({0, count, *draw(st.lists(st.integers(0, count), max_size=2))})
        parts = []
        for first, last in itertools.pairwise(cuts):
            name = draw(st.sampled_from(sorted(table)))
            lists = {
                field: draw(st.lists(RANGES[name].get(field, MONEY), min_size=last - first, max_size=last - first))
                for field in (*common, *table[name].shape)
            }
            parts.append(Family(name, {field: np.array(values) for field, values in lists.items()}))
        return parts[0] if len(parts) == 1 else Mixture(tuple(parts))

    names = draw(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3, unique=True))
    channels, labels = [], st.sampled_from([None, "north", "old & rich"])
    for name in names:
        low, high = sorted((draw(positive), draw(positive)))
        channels.append(
            Channel(
                name=name,
                kind=draw(st.sampled_from(KINDS)),
                adstock=families(ADSTOCKS),
                saturation=families(SATURATIONS, ("ceiling", "halfway")),
                history=History(
                    draw(positive),
                    draw(positive),
                    tuple(draw(st.lists(positive, max_size=3))),
                    draw(st.sampled_from([None, (low, high)])),
                ),
                part_of=draw(st.sampled_from([None, f"all of {''.join(names)}"])) if channels == [] else None,
                geo=draw(labels),
                segment=draw(labels),
                role=draw(st.sampled_from([None, *ROLES])),
            )
        )
    value = draw(st.none() | positive)
    until = draw(st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)))
    return Curves("USD", "revenue", "week", tuple(channels), value, until=until)


@given(some_curves())
def test_what_is_written_comes_back_to_the_last_bit(tmp_path_factory, held):
    path = tmp_path_factory.mktemp("written") / "curves.json"
    write_curves(path, held)
    back = read_curves(path)
    assert curves_document(back) | {"made_from": ""} == curves_document(held)
    assert back.until == held.until
    for mine, theirs in zip(held.channels, back.channels, strict=True):
        assert mine.history == theirs.history
        assert (mine.part_of, mine.geo, mine.segment, mine.role) == (
            theirs.part_of,
            theirs.geo,
            theirs.segment,
            theirs.role,
        )
        for family, other in ((mine.saturation, theirs.saturation), (mine.adstock, theirs.adstock)):
            assert type(family) is type(other)
            for part, same in zip(family.parts, other.parts, strict=True):
                assert part.name == same.name
                assert {key: values.tobytes() for key, values in part.parameters.items()} == {
                    key: values.tobytes() for key, values in same.parameters.items()
                }


def written(folder, content):
    path = folder / "mine.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_sample_of_the_contract_is_read_with_its_digest(tmp_path):
    held = read_curves(written(tmp_path, GOOD))
    assert (held.names, held.draws, held.period, held.value) == (("tv",), 2, "week", 1.0)
    assert held.channels[0].history.last == (17000.0, 17500.0, 16000.0)
    assert held.made_from.startswith("sha256:")


def test_several_families_share_the_draws_in_order(tmp_path):
    content = copy.deepcopy(GOOD)
    tv = content["channels"][0]
    slow = {"family": "buildup", "retain": [0.7], "onset": [0.2]}
    tv["adstock"] = [{"family": "geometric", "retain": [0.61]}, slow]
    tv["saturation"] = [tv["saturation"]]  # a list of one is that one
    tv["history"]["support"] = [4000, 30000]
    held = read_curves(written(tmp_path, content)).channels[0]
    assert [(part.name, part.draws) for part in held.adstock.parts] == [("geometric", 1), ("buildup", 1)]
    assert held.saturation.name == "hill"
    assert held.history.support == (4000.0, 30000.0)


def test_curves_of_one_family_without_support_are_written_as_ever(tmp_path):
    document = curves_document(read_curves(written(tmp_path, GOOD)))
    document["channels"][0]["history"].pop("last")
    assert document["channels"][0]["adstock"] == {"family": "geometric", "retain": [0.61, 0.58]}
    assert document["channels"][0]["history"] == {"mean": 18000.0, "max": 61000.0}


def test_history_may_be_left_out_and_keys_may_be_added(tmp_path):
    content = copy.deepcopy(GOOD) | {"made_by": "hand", "outcome_value": 3}
    del content["channels"][0]["history"]
    held = read_curves(written(tmp_path, content))
    assert (held.channels[0].history, held.value) == (History(0.0, 0.0), 3.0)


def test_a_byte_order_mark_is_accepted(tmp_path):
    assert read_curves(written(tmp_path, "\ufeff" + json.dumps(GOOD))).draws == 2


DELETE = object()
TV = ("channels", 0)
# what is wrong: where in the document, the value put there, words that the message must contain
WRONG = {
    "another schema": (("schema",), "peso.plan/1", ["schema", "peso.plan/1", "peso.curves/1"]),
    "no schema": (("schema",), DELETE, ["schema", "None"]),
    "no currency": (("currency",), DELETE, ["currency"]),
    "blank outcome": (("outcome",), "  ", ["outcome"]),
    "unknown period": (("period",), "fortnight", ["period", "fortnight", "week"]),
    "no end of history": (("until",), "Monday", ["until", "Monday", '"2027-01-04"']),
    "an end that is no text": (("until",), 2026, ["until", "2026", "a text is needed"]),
    "outcome worth nothing": (("outcome_value",), 0, ["outcome_value", "0"]),
    "outcome worth less than nothing": (("outcome_value",), -1, ["outcome_value", "-1"]),
    "outcome value as text": (("outcome_value",), "3", ["outcome_value", '"3"']),
    "channels by name": (("channels",), {"tv": {}}, ["channels", "list"]),
    "no channels": (("channels",), DELETE, ["channels"]),
    "empty channels": (("channels",), [], ["no channel"]),
    "a channel that is a text": (("channels",), ["tv"], ["channel 1", "object"]),
    "a channel without a name": ((*TV, "name"), DELETE, ["channel 1", "name"]),
    "a name that is a number": ((*TV, "name"), 3, ["channel 1", "name", "3"]),
    "unknown kind": ((*TV, "kind"), "bought", ["'tv'", "kind", "bought", "paid"]),
    "no adstock": ((*TV, "adstock"), DELETE, ["'tv'", "adstock"]),
    "no saturation": ((*TV, "saturation"), DELETE, ["'tv'", "saturation"]),
    "no family": ((*TV, "adstock", "family"), DELETE, ["'tv'", "adstock", "family"]),
    "unknown adstock": ((*TV, "adstock", "family"), "weibull", ["'tv'", "weibull", "geometric"]),
    "unknown saturation": ((*TV, "saturation", "family"), "root", ["'tv'", "root", "hill"]),
    "a parameter too few": ((*TV, "saturation", "slope"), DELETE, ["'tv'", "slope"]),
    "a parameter too many": ((*TV, "adstock", "peak"), [1.0, 1.0], ["'tv'", "peak"]),
    "a number instead of a list": ((*TV, "adstock", "retain"), 0.6, ["'tv'", "retain", "0.6", "list"]),
    "text among numbers": ((*TV, "adstock", "retain"), [0.6, "0.5"], ["'tv'", "retain", "value 2", '"0.5"']),
    "true for a number": ((*TV, "saturation", "slope"), [True, 1.0], ["'tv'", "slope", "value 1", "true"]),
    "a missing number": ((*TV, "saturation", "slope"), [1.0, None], ["'tv'", "slope", "value 2", "null"]),
    "a whole number beyond any float": ((*TV, "saturation", "ceiling"), [1, 10**400], ["'tv'", "ceiling", "value 2"]),
    "stock that never fades": ((*TV, "adstock", "retain"), [1.0, 0.5], ["'tv'", "retain", "draw 1"]),
    "negative halfway": ((*TV, "saturation", "halfway"), [5.0, -5.0], ["'tv'", "halfway", "draw 2", "-5"]),
    "uneven lists": ((*TV, "adstock", "retain"), [0.5], ["tv.retain", "1", "2"]),
    "no draws at all": ((*TV, "adstock", "retain"), [], ["tv.retain", "0"]),
    "a wrong count of draws": (("draws",), 3, ["draws", "3", "2"]),
    "a count of draws that is a text": (("draws",), "2", ["draws", '"2"']),
    "history as a number": ((*TV, "history"), 5, ["'tv'", "history"]),
    "history without a mean": ((*TV, "history", "mean"), DELETE, ["'tv'", "history", "mean"]),
    "negative history": ((*TV, "history", "max"), -1, ["'tv'", "history", "max", "-1"]),
    "support of one stock": ((*TV, "history", "support"), [5], ["'tv'", "support", "[5]", "two"]),
    "support upside down": ((*TV, "history", "support"), [5, 2], ["'tv'", "support", "[5, 2]"]),
    "support below nothing": ((*TV, "history", "support"), [-5, 2], ["'tv'", "support", "[-5, 2]"]),
    "support as text": ((*TV, "history", "support"), "wide", ["'tv'", "support", "wide"]),
    "a mistyped support": ((*TV, "history", "suport"), [1, 2], ["'tv'", "suport", "'support'"]),
    "an empty list of families": ((*TV, "saturation"), [], ["'tv'", "saturation", "empty"]),
    "a list of names": ((*TV, "adstock"), ["geometric"], ["'tv'", "adstock, part 1", "object"]),
    "a part that is wrong": (
        (*TV, "adstock"),
        [{"family": "geometric", "retain": [0.5]}, {"family": "buildup", "retain": [0.5], "onset": [1.0]}],
        ["'tv'", "adstock, part 2", "onset of draw 1", "[0, 1)"],
    ),
    "parts with too many draws": (
        (*TV, "adstock"),
        [{"family": "geometric", "retain": [0.5, 0.4]}, {"family": "buildup", "retain": [0.5], "onset": [0.2]}],
        ["tv.adstock has 3", "has 2 draws"],
    ),
    "an unknown role": ((*TV, "role"), "branding", ["'tv'", "role", "'branding'", "brand, activation"]),
    "a geo that is a number": ((*TV, "geo"), 7, ["'tv'", "geo", "7"]),
    "a mistyped segment": ((*TV, "segmet"), "young", ["'tv'", "segmet", "'segment'"]),
    "a part of itself": ((*TV, "channel"), "tv", ["'tv'", "a part of 'tv'", "other names"]),
    "negative last spend": ((*TV, "history", "last"), [5, -1], ["'tv'", "last", "value 2", "-1"]),
}


@pytest.mark.parametrize(("place", "value", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_document_is_refused_with_file_place_and_value(tmp_path, place, value, words):
    content = copy.deepcopy(GOOD)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    if value is DELETE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    message = refusal(written(tmp_path, content))
    assert [word for word in words if word not in message] == []


def test_parts_of_one_channel_are_of_one_kind_and_leave_its_name_free(tmp_path):
    content = copy.deepcopy(GOOD)
    north = content["channels"][0] | {"name": "tv/north", "channel": "tv", "geo": "north", "role": "brand"}
    south = north | {"name": "tv/south", "geo": "south"}
    content["channels"] = [north, south]
    held = read_curves(written(tmp_path, content))
    assert [(one.part_of, one.geo, one.segment, one.role) for one in held.channels] == [
        ("tv", "north", None, "brand"),
        ("tv", "south", None, "brand"),
    ]
    assert held.wholes == ("tv",)
    content["channels"] = [north, south | {"kind": "owned"}]
    assert "'tv' has parts that are paid and owned" in refusal(written(tmp_path, content))
    content["channels"] = [north, south | {"name": "tv"}]
    assert "'tv/north' is a part of 'tv', and an entry has that name too" in refusal(written(tmp_path, content))


def refusal(path):
    """The message with which a file is refused: one line, the file first, a remedy after a semicolon."""
    with pytest.raises(InputError) as fault:
        read_curves(path)
    message = str(fault.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert ";" in message
    assert len(message) < 500
    return message


TEXTS = {
    "not json": ("{", ["line 1"]),
    "a list": ("[]", ["object"]),
    "not a number": (json.dumps(GOOD).replace("0.61", "NaN"), ["NaN"]),
    "infinity": (json.dumps(GOOD).replace("0.61", "-Infinity"), ["-Infinity"]),
    "overflow": (json.dumps(GOOD).replace("52000", "1e400"), ["'tv'", "ceiling", "value 1"]),
    "beyond all money": (json.dumps(GOOD).replace("52000", "1e300"), ["'tv'", "ceiling", "value 1"]),
    "a key twice": (json.dumps(GOOD).replace('"kind"', '"name"'), ["'name'", "twice"]),
    "deeply nested": (json.dumps(GOOD).replace('"USD"', "[" * 60 + "]" * 60), ["nested"]),
    "very deeply nested": ("[" * 200_000, ["nested"]),
    "thousands of digits": (json.dumps(GOOD).replace("52000", "9" * 5000), []),
    "empty": ("", ["line 1"]),
}


@pytest.mark.parametrize(("text", "words"), TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_no_curves_file_is_refused(tmp_path, text, words):
    message = refusal(written(tmp_path, text))
    assert [word for word in words if word not in message] == []


def test_a_missing_file_a_folder_and_other_encodings_are_refused(tmp_path):
    written(tmp_path, GOOD)
    assert "is it 'mine.json'?" in refusal(tmp_path / "mine.jsn")
    assert "folder" in refusal(tmp_path)
    other = tmp_path / "other.json"
    other.write_bytes(json.dumps(GOOD).encode("utf-16"))
    assert "UTF-8" in refusal(other)


def test_numbers_are_written_so_that_any_reader_gets_the_same(tmp_path):
    path = tmp_path / "curves.json"
    write_curves(path, read_curves(written(tmp_path, GOOD)))
    again = json.loads(path.read_text())
    assert again["channels"][0]["adstock"]["retain"] == [0.61, 0.58]
    assert math.isclose(again["channels"][0]["saturation"]["ceiling"][1], 50100.0, rel_tol=0)
