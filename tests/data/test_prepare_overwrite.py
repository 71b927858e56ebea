"""What --out and --overwrite may touch: a store's own files, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from anlage.data._job import StoreJob
from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_other_settings_are_refused_for_a_store_that_is_there(files: Path, out: Path) -> None:
    run(files, out)
    with pytest.raises(ConfigError, match=r"other settings \(size: None -> 64\).*--overwrite"):
        run(files, out, size=64)
    assert run(files, out, size=64, overwrite=True).new == 8
    assert Store.open(out).meta.size == (64, 64)


def test_overwrite_and_out_spare_what_is_no_store(files: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(DataError, match="holds something else"):
            run(files, mine, overwrite=overwrite)
    with pytest.raises(DataError, match="holds something else"):
        run(files, files)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_project_with_settings_of_its_own_is_no_store(
    files: Path, out: Path, overwrite: bool
) -> None:
    out.mkdir()
    (out / "settings.json").write_text('{"modality": "mri", "editor.fontSize": 12}')
    with pytest.raises(DataError, match=r"holds something else \(no settings.json of a store"):
        run(files, out, overwrite=overwrite)
    (out / "settings.json").write_text("{damaged")
    (out / "splits").mkdir()
    with pytest.raises(DataError, match=r"holds something else"):
        run(files, out, overwrite=overwrite)
    assert sorted(path.name for path in out.iterdir()) == ["settings.json", "splits"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_store_with_other_things_in_it_is_left_alone(
    files: Path, out: Path, overwrite: bool
) -> None:
    run(files, out)
    (out / "paper").mkdir()
    (out / "thesis.txt").write_text("years of work")
    before = content(out)
    with pytest.raises(DataError, match=r"something else \(paper, thesis.txt\).*or move what"):
        run(files, out, overwrite=overwrite)
    assert content(out) == before


def test_overwrite_keeps_splits_of_the_users_own_and_hidden_files(files: Path, out: Path) -> None:
    run(files, out)
    (out / ".git").mkdir()
    (out / ".git" / "config").write_text("mine")
    mine = out / "splits" / "mine.csv"
    mine.write_text((out / "splits" / "default.csv").read_text())
    (out / "splits" / "default.csv").write_text("damaged")
    assert run(files, out, overwrite=True).new == 8
    assert mine.read_text() == (out / "splits" / "default.csv").read_text()
    assert (out / ".git" / "config").read_text() == "mine"


def test_overwrite_that_is_stopped_half_way_can_be_started_again(
    files: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(files, out)
    with monkeypatch.context() as patch:
        patch.setattr(StoreJob, "remember_settings", _full)
        with pytest.raises(DataError, match="No space left"):
            run(files, out, size=64, overwrite=True)
    with pytest.raises(DataError, match=r"no store\.json"):
        Store.open(out)
    assert run(files, out, size=64, overwrite=True).new == 8


def test_a_bad_source_does_not_cost_the_store_that_is_to_be_overwritten(
    files: Path, out: Path, tmp_path: Path
) -> None:
    run(files, out)
    before = content(out)
    with pytest.raises(ConfigError):
        run(tmp_path / "typo", out, overwrite=True)
    assert content(out) == before


def test_overwrite_of_nothing_makes_a_store(files: Path, out: Path) -> None:
    assert run(files, out, overwrite=True).new == 8


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _full(*_arguments, **_options):
    raise FULL
