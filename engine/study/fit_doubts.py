"""What a fit's health says against it, for whoever reads only the plan."""

from pathlib import Path

from engine.files import read_json

CURVES = ("curves.json", "curves_by_geo.json")  # of a fit folder
TOLD = ("convergence", "fit", "holdout", "baseline", "known money", "tested money", "geos")  # with experiments
MEANING = "certified means best on these curves, not that the curves are right"


def fit_doubts(place: Path) -> tuple[str, ...]:
    """A warning where the curves of a fit folder, or of a file of one, are not of a fit whose trust is good."""
    path = place / "curves.json" if place.is_dir() else place
    health = path.parent / "health.json"
    if path.name not in CURVES or not health.exists():
        return ()
    content = read_json(health)
    trust = content.get("trust") if isinstance(content, dict) else None
    if trust == "good":
        return ()
    if trust not in ("weak", "bad"):
        return (f"whether the fit behind these curves can be trusted is not known; {MEANING}",)
    told = _reasons(content.get("checks"))
    return (f"the fit behind these curves is {trust}{told}: move in small steps, and test; {MEANING}",)


def _reasons(checks: object) -> str:
    """What the checks that decide found, without their advice."""
    known = [check for check in checks if isinstance(check, dict)] if isinstance(checks, list) else []
    found = [
        str(check.get("sentence", "")).partition("; ")[0].rstrip(".")
        for check in known
        if check.get("verdict") != "good" and _decides(str(check.get("name", "")))
    ]
    return f" ({'; '.join(found)})" if found else ""


def _decides(name: str) -> bool:
    return name in TOLD or name.startswith("experiment ")
