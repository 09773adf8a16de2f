"""`peso init`: a sample project that works, the same bytes for the same seed, and nothing replaced unasked."""

import json
import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def acme(process, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "acme"
    done = process("init", folder, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_files_it_names_are_the_files_it_wrote(acme):
    folder, told = acme
    assert sorted(told["files"]) == sorted(contents(folder))
    assert len(told["files"]) == 7
    assert told["replaced"] == []


def test_the_commands_it_prints_are_those_that_the_readme_runs_to_a_plan_a_comparison_and_a_stress_test(acme, root):
    """That they lead there is tested where the README's commands are run: tests/docs."""
    _, told = acme
    assert [command.split()[1] for command in told["commands"]] == [
        "check",
        "calibrate",
        "optimize",
        "whatif",
        "stress",
    ]
    run = re.findall(r"<!-- runs -->\n```bash\n(.*?)```", (root / "README.md").read_text(), flags=re.DOTALL)
    steps = [line for block in run for line in block.splitlines()]
    after = steps[steps.index("cd acme") + 1 :]
    assert [step for step in after if step in told["commands"]] == told["commands"]


def test_the_same_seed_writes_the_same_bytes_and_another_seed_another_history(acme, peso, tmp_path):
    folder, told = acme
    for name, seed in (("same", "2027"), ("other", "5")):
        assert peso("init", tmp_path / name, "--seed", seed).returncode == 0
    written = {name: (folder / name).read_bytes() for name in told["files"]}
    assert contents(tmp_path / "same") == written
    assert contents(tmp_path / "other")["panel.csv"] != written["panel.csv"]


def test_a_folder_in_use_is_left_alone_unless_forced(peso, tmp_path):
    (tmp_path / "panel.csv").write_text("mine")
    done = peso("init", tmp_path)
    assert done.returncode == 3
    assert "--force" in done.stderr
    assert contents(tmp_path) == {"panel.csv": b"mine"}
    (tmp_path / "notes.txt").write_text("kept")
    forced = peso("init", tmp_path, "--force")
    assert forced.returncode == 0
    assert "Replaced what was there: panel.csv.\n" in forced.stdout
    assert contents(tmp_path)["panel.csv"] != b"mine"
    assert contents(tmp_path)["notes.txt"] == b"kept"


def test_a_file_in_place_of_the_folder_is_refused(peso, tmp_path):
    (tmp_path / "acme").touch()
    done = peso("init", tmp_path / "acme", "--force")
    assert (done.returncode, "is a file" in done.stderr) == (3, True)


def test_for_people_it_says_where_to_go_next(peso, tmp_path):
    done: subprocess.CompletedProcess[str] = peso("init", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "peso-sample" / "panel.csv").is_file()
    assert "cd peso-sample" in done.stdout
    assert "peso calibrate panel.csv --model model.toml --out fit" in done.stdout
