"""Small markets to simulate, as plain values; nothing here imports `engine` (see tests/conftest.py)."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

HISTORY = {"mean": 1_000.0}

SMALL: dict[str, Any] = {
    "name": "Small",
    "currency": "EUR",
    "start": date(2022, 1, 3),
    "population": 100_000.0,
    "in_market": 0.2,
    "noise": 0.05,
    "purchase": {"price": 30.0, "margin": 0.4, "repeat": 0.05, "advocate_factor": 1.5},
    "season": {"amplitude": 0.2, "peak_week": 20, "growth": 0.04},
    "events": {"fair": {"week": 3, "lift": 1.4}},
    "control": {"name": "rival", "persistence": 0.7, "deviation": 0.1, "elasticity": -0.6},
    "journey": {
        "notice": 0.03,
        "consider": 0.3,
        "buy": 0.8,
        "reconsider": 0.3,
        "praise": 0.02,
        "leave": 0.1,
        "quiet": 0.05,
        "forget": 0.04,
        "cool": 0.12,
    },
    "word_of_mouth": {"advocate_weight": 3.0, "effect": {"notice": 0.1, "buy": 0.5, "praise": 0.02}},
    "segments": {
        "city": {"share": 0.4, "value": 1.3, "habits": {"paid": 1.4, "mail": 0.7}},
        "country": {"share": 0.6, "value": 0.8},
    },
    "channels": {
        "tv": {
            "mechanic": "reach",
            "cost_per_contact": 0.02,
            "audience": 0.7,
            "wear": 0.6,
            "effect": {"notice": 0.05, "consider": 0.2, "buy": 0.3, "repeat": 0.01},
            "carry": {"half_life": 2.0, "slow_half_life": 10.0, "slow_share": 0.3},
            "history": {**HISTORY, "on": 3, "off": 2, "off_level": 0.2, "noise": 0.2, "swing": 0.3, "season": 0.5},
        },
        "display": {
            "mechanic": "reach",
            "cost_per_contact": 0.01,
            "frequency": 2,
            "effect": {"notice": 0.05, "consider": 0.2, "buy": 0.3},
            "history": HISTORY,
        },
        "search": {
            "mechanic": "search",
            "cost_per_click": 0.4,
            "most_clicks": 0.8,
            "queries": {"aware": 0.1, "considering": 1.0, "customer": 0.1, "lapsed": 0.3},
            "effect": {"consider": 0.1, "buy": 0.1, "reconsider": 0.1, "repeat": 0.1},
            "history": HISTORY,
        },
        "press": {
            "mechanic": "press",
            "cost_per_story": 300.0,
            "easy_stories": 2.0,
            "organic_stories": 0.5,
            "branching": 0.4,
            "memory": 1.5,
            "audience": 0.6,
            "story_reach": 0.05,
            "wear": 1.0,
            "effect": {"notice": 0.1, "consider": 0.2},
            "carry": {"half_life": 1.0},
            "history": HISTORY,
        },
        "referral": {
            "mechanic": "referral",
            "cost_per_share": 0.5,
            "most_shares": 0.3,
            "effect": {"notice": 0.1, "buy": 0.4},
            "history": HISTORY,
        },
        "mail": {
            "mechanic": "mailing",
            "signup_share": 0.4,
            "cost_per_signup": 2.0,
            "cost_per_mail": 0.05,
            "most_mails": 2.0,
            "organic_signups": 0.001,
            "largest": 0.3,
            "wear": 0.3,
            "effect": {"buy": 0.2, "reconsider": 0.2, "repeat": 0.05},
            "history": HISTORY,
        },
        "guides": {
            "mechanic": "content",
            "cost_per_page": 100.0,
            "steps": 3,
            "delay": 6.0,
            "decay": 0.02,
            "visits_per_page": 40.0,
            "most_visits": 0.2,
            "effect": {"consider": 0.2, "buy": 0.2},
            "history": HISTORY,
        },
    },
}

BUSY: dict[str, Any] = {
    "promotions": {
        "spring": {"week": 14, "weeks": 2, "discount": 0.2},
        "around_new_year": {"week": 52, "weeks": 4, "discount": 0.1},
        "deep": {"week": 1, "discount": 0.4},
    },
    "rivals": {"pull": 2.0, "half_life": 5.0, "spending": {"mean": 6_000.0, "on": 4, "off": 3, "noise": 0.3}},
    "lift_tests": {"tv_off": {"channel": "tv", "week": 10, "weeks": 4, "factor": 0.0, "share": 0.3}},
}

STEPS_OF_FIRMS = {"qualify": 0.5, "accept": 0.4, "propose": 0.5, "reject": 0.3, "stall": 0.2, "lose": 0.15, "win": 0.1}

STILL = dict.fromkeys(SMALL["journey"], 0.0)


@pytest.fixture(scope="session")
def small() -> Callable[..., dict[str, Any]]:
    """`small()`: a market with every mechanic; `small(population=7.0)`: the same with a value replaced."""
    return lambda **changes: {**deepcopy(SMALL), **changes}


@pytest.fixture(scope="session")
def bare() -> Callable[..., dict[str, Any]]:
    """`bare()`: one segment, one channel that nobody hears, no season, no move at all unless changed."""

    def market(**changes: Any) -> dict[str, Any]:
        plain = {key: SMALL[key] for key in ("name", "currency", "start", "population", "noise", "purchase")}
        silent = {"mechanic": "reach", "cost_per_contact": 1.0, "effect": {}, "history": HISTORY}
        still = {"in_market": 1.0, "journey": STILL, "segments": {"all": {"share": 1.0}}, "channels": {"tv": silent}}
        return {**deepcopy({**plain, **still}), **changes}

    return market


@pytest.fixture(scope="session")
def busy(small) -> Callable[..., dict[str, Any]]:
    """`busy()`: the small market with rivals, promotions, paces of segments, a highest bid and lucky news."""

    def market(**changes: Any) -> dict[str, Any]:
        plain = {**small(), **deepcopy(BUSY)}
        plain["purchase"]["elasticity"] = -1.8
        plain["journey"] |= {"lose": 0.2, "win": 0.05}
        plain["segments"]["city"]["pace"] = {"notice": 1.4, "buy": 0.7, "leave": 1.5, "repeat": 1.2, "lose": 2.0}
        plain["channels"]["search"] |= {"highest_bid": 0.6, "effect": {"consider": 0.1, "buy": 0.1, "win": 0.2}}
        plain["channels"]["search"]["queries"]["rival"] = 0.2
        plain["channels"]["press"]["luck"] = 0.6
        plain["word_of_mouth"]["effect"]["win"] = 0.3
        return {**plain, **changes}

    return market


@pytest.fixture(scope="session")
def business(busy) -> Callable[..., dict[str, Any]]:
    """`business()`: the busy market for firms, whose sales team cannot work all opportunities at once."""

    def market(**changes: Any) -> dict[str, Any]:
        plain = {**busy(), "ladder": "business", "sales": {"reps": 40.0, "load": 12.5, "patience": 6.0}}
        plain["journey"] |= STEPS_OF_FIRMS
        plain["segments"]["country"]["pace"] = {"qualify": 0.8, "accept": 1.3, "propose": 0.7, "reject": 1.2}
        plain["channels"]["tv"]["effect"] |= {"qualify": 0.2, "accept": 0.1, "propose": 0.1}
        plain["channels"]["search"]["highest_bid"] = 0.43
        plain["channels"]["search"]["effect"] |= {"qualify": 0.2, "accept": 0.1, "propose": 0.3}
        plain["channels"]["search"]["queries"] |= {"qualified": 0.4, "accepted": 0.3, "opportunity": 0.2}
        plain["word_of_mouth"]["effect"] |= {"qualify": 0.3, "propose": 0.2}
        return {**plain, **changes}

    return market
