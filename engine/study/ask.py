"""Questions to curves that are there already: one plan, or several scenarios side by side.

Nothing here loads JAX: asking again takes a fraction of a second.
"""

import os
from dataclasses import replace
from pathlib import Path

from engine.errors import InputError, UntrustworthyError
from engine.files import digest, read_bytes, read_json
from engine.optimize.compare import Answer, compare
from engine.optimize.plan import Plan, optimize
from engine.optimize.rules import THOROUGH, USUAL, Tell, unheard
from engine.response.curves import Curves
from engine.response.curves_file import read_curves
from engine.study.fit_doubts import CURVES, fit_doubts
from engine.study.question import question


def plan(
    curves: Path, scenario: Path, accept_weak_fit: bool = False, prove: bool = False, tell: Tell = unheard
) -> Plan:
    """The best plan of one scenario file on a curves file or a fit folder; with a proof as its bound if asked for."""
    known = curves_of(curves, accept_weak_fit)
    return warned(optimize(known, question(scenario, known), effort=THOROUGH if prove else USUAL, tell=tell), curves)


def what_if(fit: Path, scenarios: list[Path], base: Path | None = None, accept_weak_fit: bool = False) -> list[Answer]:
    """Each scenario's best plan beside the base."""
    known = curves_of(fit, accept_weak_fit)
    asked = [question(path, known) for path in scenarios]
    against = None if base is None else question(base, known)
    answers = compare(known, asked, against)
    return [replace(one, plan=warned(one.plan, fit)) if one.plan else one for one in answers]


def warned(plan: Plan, curves: Path) -> Plan:
    """The plan with what the health of the fit says against the curves that it was made from, before all else."""
    return replace(plan, warnings=(*fit_doubts(curves), *plan.warnings))


def curves_of(place: Path, accept_weak_fit: bool = False) -> Curves:
    """The curves of a file, or of a fit folder whose health allows planning with them.

    Raises:
        InputError: There are no curves there.
        UntrustworthyError: The fit is not to be trusted and `accept_weak_fit` is false.
    """
    is_folder = os.path.isdir(place)  # unlike a path's own `is_dir` it takes a name that is too long
    path = place / "curves.json" if is_folder else place
    if is_folder and not path.exists():
        raise InputError(f"{place}: holds no curves.json; name a fit folder or a curves file")
    health = path.parent / "health.json"
    if path.name in CURVES and not accept_weak_fit:
        _require_whole(path.parent)
        if os.path.exists(health):
            _require_trust(health)
    if path.suffix.lower() == ".toml":
        raise InputError(
            f"{path}: is a TOML file, and curves are needed there; name the curves first, then the scenario"
        )
    return read_curves(path)


def _require_whole(fit: Path) -> None:
    """Refuse a fit folder whose curves or health are not those that its manifest was written with."""
    manifest = read_json(fit / "manifest.json") if os.path.exists(fit / "manifest.json") else {}
    files = manifest.get("files", {}) if isinstance(manifest, dict) else {}
    for name in (*CURVES, "health.json"):
        if isinstance(files, dict) and name in files and files[name] != digest(read_bytes(fit / name)):
            raise InputError(
                f"{fit / name}: is not the file that manifest.json describes, so the fit was changed or only half "
                "replaced; calibrate again, or plan with the curves as they are by --accept-weak-fit"
            )


def _require_trust(path: Path) -> None:
    content = read_json(path)
    if not isinstance(content, dict) or content.get("trust") not in ("good", "weak", "bad"):
        raise InputError(f"{path}: says no trust (good, weak or bad); calibrate again, or add --accept-weak-fit")
    if content["trust"] != "bad":
        return
    checks = content["checks"] if isinstance(content.get("checks"), list) else []
    reasons = [
        check.get("sentence", "") for check in checks if isinstance(check, dict) and check.get("verdict") == "bad"
    ]
    raise UntrustworthyError(
        f"{path}: this fit is not to be planned with: {' '.join(str(reason) for reason in reasons)} "
        "Improve the data or the model and calibrate again, or add --accept-weak-fit to plan all the same"
    )
