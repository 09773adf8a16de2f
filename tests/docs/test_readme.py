"""The README tells the truth: its commands run, its files are read, its help is the command's."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine.errors
from engine.cli.verbs import VERBS
from engine.config.loading import parse
from engine.config.model import Model
from engine.config.scenario import Scenario
from engine.study.setup import SCENARIOS

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("readme", Path(__file__).with_name("readme.py"))
readme = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(readme)
TEXT = readme.README.read_text()


def test_there_are_exactly_two_commands_and_the_gate_runs_the_second_word_for_word():
    commands = {block.marker: block.text.strip() for block in readme.marked("command")}
    assert list(commands) == ["command: run", "command: tests"]
    assert all("\n" not in command for command in commands.values())
    shown = subprocess.run(["bash", ".ci/run", "show"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == commands["command: tests"]


def test_the_two_commands_stand_before_anything_else_to_do():
    assert readme.blocks(TEXT)[0].marker == "command: run"
    assert readme.blocks(TEXT)[1].marker == "command: tests"


def test_every_block_is_tested():
    tested = {"command", "runs", "file"}
    loose = [
        block.text[:60]
        for block in readme.blocks(TEXT)
        if block.marker.split(":")[0] not in tested and block.language != "text"
    ]
    assert loose == []


def test_what_the_readme_tells_to_run_runs(tmp_path):
    """Top to bottom: a file shown is written to where the reader stands, a command is run there."""
    steps = []
    for at, block in enumerate(readme.blocks(TEXT)):
        if block.marker == "runs":
            steps.append(block.text)
        elif block.marker.startswith("file: "):
            (tmp_path / f"block{at}").write_text(block.text)
            steps.append(f'cp "$BLOCKS/block{at}" {block.marker.removeprefix("file: ")}\n')
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(steps)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "BLOCKS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    plan = json.loads((tmp_path / "acme" / "plan.json").read_text())
    assert (plan["status"], plan["gap"] <= 1e-3) == ("certified", True)


def test_files_shown_are_files_read():
    shown = {block.marker.split(": ")[1]: block.text for block in readme.marked("file")}
    assert parse(shown["sales.toml"], Model, "sales.toml").channels["tv"].spend == "tv_spend"
    assert parse(shown["question.toml"], Scenario, "question.toml").groups["earned"].share.least == 0.1


def test_help_in_the_readme_is_what_the_command_prints():
    section = TEXT.split(readme.BEGIN)[1].split(readme.END)[0]
    assert section == readme.verbs_section(), "run: python tests/docs/readme.py"


def test_every_exit_code_is_listed_and_no_other():
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT.split("## Exit codes")[1], flags=re.MULTILINE)}
    kinds = [kind for kind in vars(engine.errors).values() if isinstance(kind, type)]
    assert listed == {0, 1, 2, 130, 143} | {kind.exit_code for kind in kinds}


def test_every_sample_scenario_is_listed_and_those_that_init_writes_are_marked():
    section = TEXT.split("### The samples in `scenarios/`")[1].split("\n#")[0]
    listed = {
        name: bool(mark) for name, mark in re.findall(r"^\| `(\w+)\.toml` \|.*\| ?(yes)? ?\|$", section, re.MULTILINE)
    }
    assert listed == {path.stem: path.stem in SCENARIOS for path in (ROOT / "scenarios").glob("*.toml")}


def test_links_within_lead_to_a_heading():
    headings = {
        re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", TEXT) if link not in headings] == []


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_help_in_the_readme(verb):
    assert f"peso {verb}</code>" in TEXT
