"""`peso whatif` as a user runs it: several answers beside one base."""

import json

import pytest

from tests.report.runs import written


def second(folder):
    text = (folder / "q.toml").read_text().replace("Next year", "Half of it").replace("3000", "1500")
    (folder / "half.toml").write_text(text)
    return "half.toml"


def test_answers_stand_side_by_side_and_in_files(peso, folder):
    done = peso("whatif", "q.toml", second(folder), "--fit", "curves.json", "--out", "answers", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("Next year: ")
    assert done.stdout.splitlines()[1].startswith("Half of it: ")
    assert sorted(path.name for path in (folder / "answers").iterdir()) == [
        "comparison.json",
        "half-of-it.json",
        "next-year.json",
    ]
    comparison = json.loads((folder / "answers" / "comparison.json").read_text())
    assert comparison["schema"] == "peso.whatif/1"
    assert [answer["scenario"] for answer in comparison["answers"]] == ["Next year", "Half of it"]
    plan = json.loads((folder / "answers" / "half-of-it.json").read_text())
    assert plan["schema"] == "peso.plan/1"
    assert abs(sum(plan["spend"][0]) - 1500) < 1e-3


def test_a_scenario_called_comparison_keeps_its_own_file(peso, folder):
    """Its plan was once overwritten by the comparison itself."""
    (folder / "q.toml").write_text((folder / "q.toml").read_text().replace("Next year", "Comparison"))
    done = peso("whatif", "q.toml", "--fit", "curves.json", "--out", "answers", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "answers" / "comparison-plan.json").read_text())["schema"] == "peso.plan/1"
    assert json.loads((folder / "answers" / "comparison.json").read_text()) == json.loads(done.stdout)


def test_a_question_without_a_plan_is_exit_4_after_all_answers(process, folder):
    done = process("whatif", "cannot.toml", "q.toml", "--fit", "curves.json", "--json", cwd=folder)
    assert done.returncode == 4
    answers = json.loads(done.stdout)["answers"]
    assert answers[0]["plan"] is None
    assert "floor of tv" in answers[0]["refusal"]
    assert answers[1]["plan"]["status"] == "certified"
    assert "no plan for Too much" in done.stderr


def test_a_base_of_ones_own(peso, folder):
    done = peso("whatif", second(folder), "--base", "q.toml", "--fit", "curves.json", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    comparison = json.loads(done.stdout)
    assert comparison["base"] == "Next year"
    assert comparison["answers"][0]["change"]["mean"] < 0


def test_a_base_without_a_plan_is_exit_4_and_nothing_is_written(peso, folder):
    done = peso("whatif", "q.toml", "--base", "cannot.toml", "--fit", "curves.json", "--out", "answers", cwd=folder)
    assert (done.returncode, done.stdout) == (4, "")
    assert not (folder / "answers").exists()


def test_an_answer_folder_in_use_is_kept_unless_forced(peso, folder):
    (folder / "answers").mkdir()
    (folder / "answers" / "mine.txt").write_text("mine")
    asked = ("whatif", "q.toml", "--fit", "curves.json", "--out", "answers")
    assert peso(*asked, cwd=folder).returncode == 3
    assert [path.name for path in (folder / "answers").iterdir()] == ["mine.txt"]
    assert peso(*asked, "--force", cwd=folder).returncode == 0
    assert (folder / "answers" / "mine.txt").read_text() == "mine"


def test_no_scenario_is_wrong_usage(peso, folder):
    assert peso("whatif", "--fit", "curves.json", cwd=folder).returncode == 2


def test_a_page_of_one_scenario_is_written_and_nothing_is_put_in_its_place(peso, folder):
    asked = ("whatif", "q.toml", "--fit", "curves.json", "--page", "page.html")
    done = peso(*asked, cwd=folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "page.html" in done.stderr
    written = (folder / "page.html").read_bytes()
    assert written.startswith(b"<!doctype html>") and len(written) <= 150_000
    again = peso(*asked, cwd=folder)
    assert (again.returncode, (folder / "page.html").read_bytes()) == (3, written)
    assert "--page" in again.stderr
    for more in (("--out", "answers"), ("--base", "q.toml"), ("--device", "gpu")):
        assert peso(*asked, "--force", *more, cwd=folder).returncode == 2


def test_a_page_of_several_scenarios_is_refused(peso, folder):
    done = peso("whatif", "q.toml", second(folder), "--fit", "curves.json", "--page", "page.html", cwd=folder)
    assert done.returncode == 2
    assert not (folder / "page.html").exists()


@pytest.mark.parametrize("verb", ["whatif", "optimize"])
@pytest.mark.parametrize("name", ["manifest.json", "health.json", "curves.json", "q.toml"])
def test_no_answer_takes_the_place_of_a_file_of_its_fit_or_question(peso, tmp_path, verb, name):
    written(tmp_path)
    place = tmp_path / "year.toml" if name == "q.toml" else tmp_path / "fit" / name
    before = place.read_bytes()
    asked = (
        ("whatif", "year.toml", "--fit", "fit", "--page")
        if verb == "whatif"
        else ("optimize", "fit", "year.toml", "--out")
    )
    done = peso(*asked, place, "--force", cwd=tmp_path)
    assert (done.returncode, place.read_bytes()) == (3, before)
    said = "--page writes a file that ends in .html or .htm" if verb == "whatif" else "is an input of this question"
    assert said in done.stderr


def test_a_page_that_would_take_the_place_of_its_question_is_refused(peso, tmp_path):
    written(tmp_path)
    place = (tmp_path / "year.toml").rename(tmp_path / "year.html")
    before = place.read_bytes()
    done = peso("whatif", "year.html", "--fit", "fit", "--page", "year.html", "--force", cwd=tmp_path)
    assert (done.returncode, "is an input of this question" in done.stderr) == (3, True)
    assert place.read_bytes() == before


@pytest.mark.parametrize("name", ["page", "page.svg", "page.xlsx"])
def test_a_page_is_named_as_one(peso, folder, name):
    done = peso("whatif", "q.toml", "--fit", "curves.json", "--page", name, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert f"{name}: --page writes a file that ends in .html or .htm; name it so, as in page.html" in done.stderr
    assert not (folder / name).exists()


def test_a_page_that_is_kept_beside_a_fit_can_be_replaced(peso, tmp_path):
    written(tmp_path)
    asked = ("whatif", "year.toml", "--fit", "fit/curves.json", "--page", "fit/page.html")
    assert peso(*asked, cwd=tmp_path).returncode == 0
    assert peso(*asked, "--force", cwd=tmp_path).returncode == 0
    over = peso(*asked[:-1], "fit/health.json", "--force", cwd=tmp_path)
    assert (over.returncode, (tmp_path / "fit/health.json").read_bytes()[:1]) == (3, b"{")
