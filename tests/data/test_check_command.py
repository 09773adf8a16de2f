"""`peso check` from outside, as a user runs it."""

import json

import pytest

MODEL = '[data]\ndate = "date"\noutcome = "sales"\n'


@pytest.fixture
def folder(tmp_path, tables):
    (tmp_path / "data.csv").write_text(tables.table())
    (tmp_path / "model.toml").write_text(MODEL + tables.channels)
    return tmp_path


def test_the_first_line_is_the_verdict_and_every_channel_is_in_the_table(process, folder):
    done = process("check", "data.csv", "--model", "model.toml", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("This history cannot support a weekly model of 2 channels: ")
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("tv ", "pr "))][:2] == [
        ["tv", "paid"],
        ["pr", "earned"],
    ]


def test_json_is_one_document_with_the_same_verdict(peso, folder):
    text = peso("check", "data.csv", cwd=folder)
    done = peso("check", "data.csv", "--json", cwd=folder)
    assert "model.toml" in done.stderr and done.returncode == 0
    document = json.loads(done.stdout)
    assert document["schema"] == "peso.check/1" and document["periods"] == 12
    assert document["verdict"].split()[:6] == text.stdout.split()[:6]
    assert {row["channel"] for row in document["channels"]} == {"tv", "pr"}


def test_without_a_model_the_message_says_what_to_write(peso, folder):
    (folder / "model.toml").unlink()
    done = peso("check", "data.csv", cwd=folder)
    assert done.returncode == 3 and "--model" in done.stderr and done.stdout == ""


@pytest.mark.parametrize(("argument", "said"), [("dta.csv", "is it 'data.csv'"), (".", "folder")])
def test_a_path_that_is_no_file_is_refused(peso, folder, argument, said):
    done = peso("check", argument, "--model", "model.toml", cwd=folder)
    assert done.returncode == 3 and said in done.stderr


def test_names_from_the_data_cannot_steer_the_terminal(peso, folder, tables):
    (folder / "model.toml").write_text(MODEL + tables.channels.replace("channels.tv", 'channels."t\\u001b[2Jv\\u202e"'))
    done = peso("check", "data.csv", cwd=folder)
    assert done.returncode == 0 and "\x1b" not in done.stdout and "\u202e" not in done.stdout
    assert "t\\x1b[2Jv" in done.stdout


@pytest.mark.parametrize(
    ("model", "data", "periods", "geos"),
    [
        ("robyn", "robyn/dt_simulated_weekly.csv", 208, 1),
        ("meridian_national", "meridian/national_all_channels.csv", 156, 1),
        ("meridian_geo", "meridian/geo_all_channels.csv", 156, 40),
        ("mmm_example", "pymc-marketing/mmm_example.csv", 179, 1),
        ("mmm_stan", "mmm_stan/data.csv", 209, 1),
        ("conjura_1", "conjura/conjura_series_1to4.csv", 72, 1),
        ("conjura_2", "conjura/conjura_series_1to4.csv", 64, 1),
        ("conjura_3", "conjura/conjura_series_1to4.csv", 64, 1),
        ("conjura_4", "conjura/conjura_series_1to4.csv", 64, 1),
    ],
)
def test_public_histories_are_read_and_supported(peso, root, public_data, model, data, periods, geos):
    described = root / "experiments" / "public-data" / "models" / f"{model}.toml"
    done = peso("check", public_data / data, "--model", described, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["periods"], document["geos"]) == (0, periods, geos)
    assert document["verdict"].startswith("This history can support a weekly model")
