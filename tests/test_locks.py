"""One process per folder, and no lock outlives its owner."""

import os
import signal
import subprocess
import sys

import pytest

from anlage.errors import DataError
from anlage.locks import locked

HOLD = """
import sys, time
from pathlib import Path
from anlage.locks import locked
with locked(Path(sys.argv[1]), what="anlage pretrain"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_with_the_verb(tmp_path, holder):
    with (
        pytest.raises(DataError, match="anlage study is already running on it"),
        locked(tmp_path, what="anlage study"),
    ):
        pass


def test_a_killed_owner_leaves_no_lock(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(tmp_path, what="anlage study"):
        assert (tmp_path / ".lock").exists()


def test_the_lock_ends_with_the_block(tmp_path):
    with locked(tmp_path / "new" / "folder", what="x"):
        pass
    with locked(tmp_path / "new" / "folder", what="x"):
        assert (tmp_path / "new" / "folder").is_dir()


def test_the_lock_ends_with_an_error_too(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path, what="x"):
        raise RuntimeError
    with locked(tmp_path, what="x"):
        assert tmp_path.is_dir()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match=r"file must be a writable folder \(.*\). Choose another"),
        locked(tmp_path / "file", what="x"),
    ):
        pass
