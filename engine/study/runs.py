"""The runs that a report is made from, recognised by the schema of their documents and read back as records."""

import codecs
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.errors import InputError
from engine.files import digest, read_bytes, read_json
from engine.optimize.budgets.frontier import Frontier
from engine.optimize.plan import Plan
from engine.optimize.plan_file import SCHEMA as PLAN
from engine.report.frontier import SCHEMA as FRONTIER
from engine.report.page.given import FitRun, Given, Source, named_apart
from engine.report.stress import SCHEMA as STRESS
from engine.response.curves import Curves
from engine.response.curves_file import SCHEMA as CURVES
from engine.response.curves_file import read_curves
from engine.stress.readout import Answer
from engine.study.plan_sound import require_of_curves
from engine.study.told_fit import BY_GEO, fit_run
from engine.study.told_fit import SCHEMA as FIT
from engine.study.told_plan import plan_of
from engine.study.told_stress import outcomes_of
from engine.study.told_world import SCHEMA as WORLD
from engine.study.told_world import world_run

NAMES = ("manifest.json", "plan.json", "stress.json", "frontier.json", "curves.json")  # by which a folder is known
KNOWN = {
    FIT: "fit",
    CURVES: "curves",
    PLAN: "plan",
    STRESS: "stress test",
    FRONTIER: "frontier",
    WORLD: "simulated market",
}
MADE_BY = (
    "name the folder of a fit (peso calibrate), a plan.json (peso optimize), the folder of a stress test or of a "
    "frontier, or that of a simulated market"
)
ONE = ("fit", "stress test", "frontier", "simulated market")  # kinds of which a report shows one

Record = TypeVar("Record", Answer, Frontier)


class Found(NamedTuple):
    """One run that was recognised, and its document."""

    path: Path  # of the document
    schema: str
    told: dict[str, Any]

    @property
    def what(self) -> str:
        """The kind of run in words."""
        return "fit" if self.schema == CURVES else KNOWN[self.schema]


def read_runs(paths: Sequence[Path]) -> Given:
    """Every run, read and checked against each other; the first plan given is the one that is decided upon.

    Raises:
        InputError: A run is unknown or damaged, two of a kind are given, or they are not of one fit.
        StorageError: The system would not read it.
    """
    found = [_found(path) for path in paths]
    _require_single(found)
    plans = named_apart([plan_of(one.path, one.told) for one in _all(found, PLAN)])
    fit = _fit(found, plans)
    frontier, stress, world = (_only(found, schema) for schema in (FRONTIER, STRESS, WORLD))
    answer = _told(stress, Answer, stress.told) if stress else None
    given = Given(
        fit=fit,
        plans=plans,
        stress=answer,
        outcomes=outcomes_of(stress.path, answer) if stress and answer else None,
        frontier=_told(frontier, Frontier, _frontier(frontier)) if frontier else None,
        world=world_run(world.path.parent) if world else None,
        sources=tuple(_source(one) for one in found),
    )
    _require_one_fit(found, given)
    _require_one_currency(found, given)
    for one, plan in zip(_all(found, PLAN), plans, strict=True):
        if fit and plan.made_from == fit.curves.made_from:
            require_of_curves(one.path, plan, fit.curves)
    return given


def _found(path: Path) -> Found:
    """The document of a run: the file itself, or the one of a folder."""
    if path.is_dir():
        place = next((path / name for name in NAMES if (path / name).exists()), None)
        if place is None:
            raise InputError(f"{path}: holds no run that a report can show; {MADE_BY}")
    else:
        place = path.parent / "manifest.json" if path.name == "health.json" else path
    _require_json(place)
    told = read_json(place)
    _require_finite(place, told)
    schema = told.get("schema") if isinstance(told, dict) else None
    if not isinstance(schema, str) or schema not in KNOWN:
        said = f"its schema is {schema!r:.40}" if schema else "it says no schema"
        raise InputError(f"{place}: is no run that a report can show ({said}); {MADE_BY}")
    return Found(place, schema, told)


def _require_json(path: Path) -> None:
    """Refuse a file that was never meant to be JSON, with what a report can show instead."""
    if not read_bytes(path).removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"{", b"[")):
        raise InputError(f"{path}: is no run that a report can show (it is not JSON); {MADE_BY}")


def _require_finite(path: Path, told: Any) -> None:
    """Refuse a number that is too large for one, such as 1e400."""
    try:
        json.dumps(told, allow_nan=False)
    except ValueError:
        raise InputError(f"{path}: holds a number above 1e308; correct it, or ask for the run again") from None


def _require_single(found: list[Found]) -> None:
    """Refuse two runs of a kind of which one is shown, and one plan twice."""
    for kind in ONE:
        same = [one.path for one in found if one.what == kind]
        if len(same) > 1:
            raise InputError(f"{same[0]} and {same[1]}: a report shows one {kind}; leave one of them out")
    plans = [one.path.resolve() for one in found if one.schema == PLAN]
    if twice := next((path for path in plans if plans.count(path) > 1), None):
        raise InputError(f"{twice}: is given twice; leave one of them out")


def _all(found: list[Found], schema: str) -> list[Found]:
    return [one for one in found if one.schema == schema]


def _only(found: list[Found], schema: str) -> Found | None:
    return next((one for one in found if one.schema == schema), None)


def _fit(found: list[Found], plans: tuple[Plan, ...]) -> FitRun | None:
    """The fit, with the curves that the plans were made from."""
    one = next((each for each in found if each.what == "fit"), None)
    if one is None:
        return None
    return FitRun(read_curves(one.path)) if one.schema == CURVES else fit_run(one.path.parent, _planned(found, plans))


def _planned(found: list[Found], plans: tuple[Plan, ...]) -> str:
    """The digest of the curves that the first plan, or else the frontier, was made from."""
    frontier = _only(found, FRONTIER)
    return plans[0].made_from if plans else str(frontier.told.get("made_from")) if frontier else ""


def _told(one: Found, record: type[Record], fields: dict[str, Any]) -> Record:
    """A record of a document."""
    try:
        return TypeAdapter(record).validate_python(fields)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"{one.path}: {place}: {first['msg'].lower()}, so it is no {one.what} of this version; ask for it again"
        ) from None


def _frontier(one: Found) -> dict[str, Any]:
    """The fields of a frontier, from the keys of its file."""
    told = one.told
    try:
        return {
            **{key: value for key, value in told.items() if key not in ("horizon", "today", "points")},
            **told["horizon"],
            "today": (told["today"]["spend"], told["today"]["outcome"]) if told["today"] else None,
            "points": [{**point, "certified": point["status"] == "certified"} for point in told["points"]],
        }
    except (KeyError, TypeError):
        raise InputError(f"{one.path}: lacks what frontiers of this version tell; ask for it again") from None


def _source(one: Found) -> Source:
    return Source(str(one.path), KNOWN[one.schema], digest(read_bytes(one.path)), one.schema)


def _require_one_fit(found: list[Found], given: Given) -> None:
    """Refuse runs that were made from other curves than the fit that is given, or than the first of them."""
    asked = [(one, _made_from(one)) for one in found if one.schema in (PLAN, STRESS, FRONTIER)]
    if given.fit is not None and asked:
        fit = next(one for one in found if one.what == "fit")
        known = _digests(fit, given.fit.curves)
        for one, made_from in asked:
            if made_from not in known:
                raise InputError(
                    f"{one.path}: this {one.what} was made from other curves than those of {fit.path.parent} (digests "
                    f"{made_from[:19]} and {known[0][:19]} differ); name the fit that it was made from, or ask again"
                )
    elif asked:
        first, known_from = asked[0]
        for one, made_from in asked[1:]:
            if made_from != known_from:
                raise InputError(
                    f"{one.path}: this {one.what} was made from another fit than {first.path} (digests "
                    f"{made_from[:19]} and {known_from[:19]} differ); report them apart, or ask again with one fit"
                )


def _require_one_currency(found: list[Found], given: Given) -> None:
    """Refuse runs that count in several currencies."""
    curves = given.fit.curves if given.fit else None
    (first, usual), *others = (
        (one, curves.currency if one.what == "fit" and curves else one.told.get("currency"))
        for one in sorted(found, key=lambda one: one.schema == WORLD)
    )
    for one, currency in others:
        if currency != usual:
            raise InputError(
                f"{one.path}: this {one.what} counts in {currency!r:.40} and {first.path} in {usual!r:.40}; "
                "leave one of them out, or make it again in the same currency"
            )


def _made_from(one: Found) -> str:
    """The digest of the curves behind a run."""
    told = str(one.told.get("made_from", ""))
    return told.removeprefix("curves ").partition(", ")[0] if one.schema == STRESS else told


def _digests(fit: Found, curves: Curves) -> list[str]:
    """Digests of the curves of a fit: those of all geos together, and by geo."""
    by_geo = fit.path.parent / BY_GEO
    other = [digest(read_bytes(by_geo))] if fit.schema == FIT and by_geo.exists() else []
    return list(dict.fromkeys([curves.made_from, *other, *_whole(fit)]))


def _whole(fit: Found) -> list[str]:
    """The digest of the curves of all geos together."""
    return [digest(read_bytes(fit.path.parent / "curves.json"))] if fit.schema == FIT else []
