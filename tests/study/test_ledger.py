"""A job is done when its result is there, whole; a failure is remembered until it is mended."""

import polars as pl
import pytest

from anlage.study.ledger import Ledger

CASES = pl.DataFrame({"row": [1, 2], "p0": [0.25, float("nan")]})


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def test_what_is_kept_comes_back(ledger):
    ledger.keep("job", {"arm": "scratch"}, CASES)
    assert ledger.is_done("job")
    assert ledger.result("job") == {"arm": "scratch"}
    assert ledger.cases("job").equals(CASES, null_equal=True)


def test_a_job_without_its_result_file_is_not_done(ledger, tmp_path):
    ledger.keep("job", {}, CASES)
    (tmp_path / "jobs" / "job" / "result.json").unlink()
    assert not ledger.is_done("job")


def test_the_result_is_written_last(ledger, monkeypatch):
    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OSError, match="No space left"):
        ledger.keep("job", {}, CASES)
    assert not ledger.is_done("job")


def test_a_failure_is_kept_and_forgotten_when_the_job_succeeds(ledger):
    assert ledger.error("job") is None
    ledger.fail("job", "too few")
    assert ledger.error("job") == "too few"
    assert not ledger.is_done("job")
    ledger.keep("job", {}, CASES)
    assert ledger.error("job") is None


def test_jobs_and_pretrainings_have_folders_of_their_own(ledger, tmp_path):
    assert ledger.pretraining("a") == tmp_path / "pretrain" / "a"
    assert ledger.picture("a") == tmp_path / "jobs" / "a" / "worst.png"
    assert not ledger.is_done("a")


def test_commits_of_all_work_are_listed_and_old_work_is_unknown(ledger):
    folder = ledger.pretraining("p")
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"commit": "bbb"}')
    ledger.keep("new", {"run": {"commit": "aaa", "anlage": "1.0"}}, CASES)
    ledger.keep("installed", {"run": {"commit": None, "anlage": "1.0"}}, CASES)
    ledger.keep("same", {"run": {"commit": "bbb"}}, CASES)
    assert ledger.commits(["p", "waiting"], ["new", "same", "waiting"]) == ["aaa", "bbb"]
    ledger.keep("old", {"arm": "scratch"}, CASES)
    every = ledger.commits(["p"], ["new", "installed", "old"])
    assert every == ["1.0", "aaa", "bbb", "unknown"]
