"""The whole page: its sections in the order in which they are read."""

from collections.abc import Callable, Mapping

from engine.optimize.plan_file import SCHEMA as PLAN
from engine.report.page.given import Given
from engine.report.page.records import Absent, Cell, Listed, Page, Section, Table, Words
from engine.report.page.sections_decision import decision_section, moves_section, proof_section
from engine.report.page.sections_fit import curves_section, health_section, returns_section, shares_section
from engine.report.page.sections_money import frontier_section, quarters_section
from engine.report.page.sections_scenarios import scenarios_section
from engine.report.page.sections_stress import stress_section
from engine.report.page.sections_world import journey_section
from engine.report.page.words_used import used
from engine.words import plain

SECTIONS: tuple[Callable[[Given], Section | Absent], ...] = (
    decision_section,
    scenarios_section,
    moves_section,
    shares_section,
    curves_section,
    returns_section,
    frontier_section,
    quarters_section,
    journey_section,
    stress_section,
    health_section,
    proof_section,
)


def page_of(given: Given, version: str) -> Page:
    """The page of some runs.

    Args:
        given: The runs.
        version: Of this engine.
    """
    told = [section(given) for section in SECTIONS]
    sections = [one for one in told if isinstance(one, Section)]
    words = used(sections)
    glossary = [Section("glossary", "The words used here", (Listed(words, "glossary"),))] if words else []
    return Page(
        title=_title(given),
        subtitle=_subtitle(given),
        sections=(*sections, *glossary, provenance_section(given, version)),
        absent=_together([one for one in told if isinstance(one, Absent)]),
    )


def _together(absent: list[Absent]) -> tuple[Absent, ...]:
    """What is not there, by what would add it."""
    remedies = dict.fromkeys(one.remedy for one in absent)
    titles = {remedy: "; ".join(one.title for one in absent if one.remedy == remedy) for remedy in remedies}
    return tuple(Absent(title, remedy) for remedy, title in titles.items())


def _title(given: Given) -> str:
    name = given.plan.scenario if given.plan else given.frontier.scenario if given.frontier else ""
    name = name or (given.stress.scenario if given.stress else given.world.market if given.world else "")
    return f"Marketing budget: {plain(name)}" if name else "Marketing budget"


def _subtitle(given: Given) -> str:
    """Time, currency and what is counted, as far as they are known."""
    plan, curves = given.plan, given.fit.curves if given.fit else None
    if plan:
        return f"{plan.start} to {plan.end}, in {plain(plan.currency)}, counting {plain(plan.measure)}"
    if curves:
        return f"In {plain(curves.currency)}, counting {plain(curves.measure)} by {curves.period}"
    return ""


def provenance_section(given: Given, version: str) -> Section:
    """What this report was made from, so that it can be made again."""
    rows = tuple((Cell(plain(one.name)), Cell(one.what), Cell(one.schema), Cell(one.digest)) for one in given.sources)
    files = Table("files", "Files that were read", ("File", "What it is", "Schema", "Digest"), rows)
    items = [("Report", f"made by peso-engine {version}")]
    items += [("Plan", told) for told in _plans_told(given)]
    run = given.fit
    if run and run.made_from is not None:
        items += [(f"Fit: {plain(name)}", plain(value)) for name, value in run.made_from.items() if value]
        settings = {name: value for name, value in (run.settings or {}).items() if name in ("seed", "speed", "draws")}
        items += [(f"Fit: {name}", plain(str(value))) for name, value in settings.items()]
        items += [("Versions", _versions(run.versions or {}))]
    if given.stress:
        items += [("Stress test", f"seed {given.stress.seed}, hash {plain(given.stress.hash)}")]
    if given.world:
        items += [("Simulated market", f"seed {given.world.seed}; {_versions(given.world.versions)}")]
    told = Words(("The same files and the same version give the same report.",))
    return Section("provenance", "What this report was made from", (told, files, Listed(tuple(items), "origins")))


def _plans_told(given: Given) -> list[str]:
    """Each plan and its curves; where there are several, the file that it stands in too."""
    files = [f", read from {plain(one.name)}" for one in given.sources if one.schema == PLAN]
    if len(given.plans) < 2 or len(files) != len(given.plans):
        files = [""] * len(given.plans)
    return [
        f"{plain(plan.scenario)}{file}, made from curves {plan.made_from}"
        for plan, file in zip(given.plans, files, strict=True)
    ]


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{plain(str(name))} {plain(str(value))}" for name, value in versions.items())
