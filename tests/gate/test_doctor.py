"""`peso doctor`: healthy here, and each fault has its verdict, its remedy and its exit code."""

import json

import pytest

from engine.errors import DeviceError, StorageError
from engine.optimize.probe import SolverProbe
from engine.simulate.probe import DeviceProbe, probe_device
from engine.study import doctor
from engine.study.doctor import Check


def test_this_installation_is_healthy(process, tmp_path):
    done = process("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["healthy"]
    assert [check["name"] for check in told["checks"]] == [
        "python",
        "packages",
        "parquet",
        "processors",
        "device",
        "solver CLARABEL",
        "solver HIGHS",
        "folder",
        "terminal",
    ]
    assert "numpyro " in told["checks"][1]["found"]
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_cannot_start_has_its_own_exit_code(peso, tmp_path):
    done = peso("doctor", cwd=tmp_path, JAX_PLATFORMS="nonsense")
    assert done.returncode == 6
    assert done.stdout.startswith("Not ready: device.")
    assert "JAX_PLATFORMS=cpu" in done.stdout
    assert "Traceback" not in done.stderr


def test_probe_names_the_devices_and_finds_double_precision():
    probe = probe_device()
    assert probe.double
    assert probe.platform in ("cpu", "gpu")


def fault(found):
    return SolverProbe("HIGHS", "1.0", found)


def test_a_solver_that_answers_wrong_is_a_fault_with_a_remedy(monkeypatch):
    monkeypatch.setattr("engine.optimize.probe.probe_solvers", lambda: (fault("answered 16"), fault("")))
    wrong, right = doctor.check_solvers()
    assert (wrong.verdict, right.verdict) == ("fault", "fine")
    assert "answered 16" in wrong.found
    assert "highspy" in wrong.remedy


def test_a_device_without_double_precision_is_a_fault(monkeypatch):
    monkeypatch.setattr("engine.simulate.probe.probe_device", lambda: DeviceProbe("gpu", ("gpu:0",), False))
    check = doctor.check_device()
    assert (check.verdict, "JAX_PLATFORMS=cpu" in check.remedy) == ("fault", True)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda package: None if package in ("scipy", "polars") else "1.0")
    check = doctor.check_packages()[0]
    assert (check.verdict, check.found) == ("fault", "missing: scipy")
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "polars" else "1.0")
    needed, parquet = doctor.check_packages()
    assert (needed.verdict, parquet.verdict) == ("fine", "note")
    assert parquet.remedy.endswith("pip install -c constraints.txt '.[parquet]'")


def test_an_old_python_is_a_fault(monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 10, 2, "final", 0))
    assert doctor.check_python() == Check(
        "python", "fault", "3.10.2", "install Python 3.11 or later and create the environment anew"
    )


def test_a_folder_that_refuses_files_is_a_fault(monkeypatch, tmp_path):
    def refuse(path, text):
        raise StorageError(f"{path}: {text}")

    monkeypatch.setattr(doctor, "write_text", refuse)
    assert doctor.check_folder(tmp_path).verdict == "fault"


@pytest.mark.parametrize(("encoding", "verdict"), [("utf-8", "fine"), ("ascii", "note"), (None, "note"), ("x", "note")])
def test_a_terminal_without_letters_is_noted_and_harms_nothing(encoding, verdict):
    check = doctor.check_terminal(encoding, colours=False)
    assert check.verdict == verdict
    assert doctor.exit_code((check,)) == 0


@pytest.mark.parametrize(
    ("faults", "code"), [([], 0), (["device"], 6), (["folder"], 1), (["device", "solver HIGHS"], 1)]
)
def test_the_exit_code_tells_what_is_wrong(faults, code):
    checks = tuple(
        Check(name, "fault" if name in faults else "fine", "") for name in ("device", "folder", "solver HIGHS")
    )
    assert doctor.exit_code(checks) == code
    assert doctor.text(checks).startswith("Not ready" if faults else "Ready")
    assert DeviceError.exit_code == 6
