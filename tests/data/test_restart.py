"""Killed at any moment, `prepare` goes on from there and makes the store of one clean run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anlage.data import prepare as room
from anlage.data._writer import read_journal
from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.data.verify import verify
from anlage.errors import DataError

SCRIPT = """
import os, signal, sys
from pathlib import Path
from anlage.data import _whole_file
from anlage.data._writer import StoreWriter
from anlage.data.prepare import prepare

files, out, moment, count = sys.argv[1:]
calls = 0


def dying(real):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls > int(count):
            if moment == "row":  # half a line of the journal is on the disk
                journal = (Path(out) / "journal.jsonl").open("a")
                journal.write('{"id": "half')
                journal.flush()
            if moment == "pixels":
                with (Path(out) / "shards" / "images-0000.bin").open("ab") as file:
                    file.write(b"half an image")
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    return call


if moment == "file":
    Path.replace = dying(Path.replace)
else:
    StoreWriter.add = dying(StoreWriter.add)
prepare(files, out=out, label=["grade"], patient="patient", workers=0)
"""


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize(
    ("moment", "counts", "stored"),
    [("row", (2, 3), [2, 5]), ("pixels", (2, 3), [2, 5]), ("file", (0, 3), [0, 8])],
)
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, write_source, moment: str, counts: tuple[int, int], stored: list[int]
) -> None:
    files = write_source(tmp_path / "files", with_masks=True)
    (files / "images" / "zz.png").write_bytes((files / "images" / "0.png").read_bytes()[:-30])
    out = tmp_path / "killed"
    found_rows = []
    for count in counts:
        command = [sys.executable, "-c", SCRIPT, str(files), str(out), moment, str(count)]
        ended = subprocess.run(command, capture_output=True, check=False, env=os.environ)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        found_rows.append(len(read_journal(out)))
        with pytest.raises(DataError, match=r"no store\.json"):
            Store.open(out)
    assert found_rows == stored
    found = prepare(files, out=out, label=["grade"], patient="patient", workers=0)
    assert found.new == 8 - stored[-1]
    once = tmp_path / "once"
    prepare(files, out=once, label=["grade"], patient="patient", workers=0)
    assert content(out) == content(once)
    assert verify(out) == []


def test_a_shard_that_a_power_cut_left_short_is_filled_with_the_same_bytes(
    tmp_path: Path, write_source
) -> None:
    files = write_source(tmp_path / "files", with_masks=True)
    once, out = tmp_path / "once", tmp_path / "cut"
    for folder in (once, out):
        prepare(files, out=folder, label=["grade"], patient="patient", workers=0)
    shard = out / "shards" / "images-0000.bin"
    os.truncate(shard, shard.stat().st_size // 2)
    assert prepare(files, out=out, label=["grade"], patient="patient", workers=0).new == 4
    assert content(out) == content(once)
    assert verify(out) == []


def test_two_runs_on_one_store_do_not_mix(
    tmp_path: Path, write_source, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_source(tmp_path / "files")
    out = tmp_path / "store"
    real = room.write_summary

    def meanwhile(store, **known) -> None:
        with pytest.raises(DataError, match="already running on it"):
            prepare(files, out=out, workers=0)
        real(store, **known)

    monkeypatch.setattr(room, "write_summary", meanwhile)
    assert prepare(files, out=out, workers=0).stored == 8
