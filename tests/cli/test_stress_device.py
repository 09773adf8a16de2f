"""A GPU is used where there is one, or refused in a sentence."""

import pytest


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [((), 6, "no GPU was found"), (("--workers", "2"), 2, "one worker"), (("--world", "x"), 2, "on the CPU")],
)
def test_a_gpu_that_is_not_there_or_has_company_is_refused_before_anything_is_read(peso, tmp_path, more, code, words):
    done = peso("stress", "no.toml", "--fit", "no", "--out", "out", "--device", "gpu", *more, cwd=tmp_path)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "out").exists()
