"""Checkpoints: whole or not at all, and the one before where the newest is damaged."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from anlage.errors import DataError
from anlage.train import checkpoint


def _tensors(value: float) -> dict[str, Tensor]:
    return {"weight": torch.full((3, 4), value), "rng": torch.get_rng_state()}


def _save(folder: Path, step: int) -> Path:
    return checkpoint.save(folder, step, _tensors(step), {"seconds": step / 2})


def _latest(folder: Path) -> int:
    """Step of the checkpoint that is loaded, after a look at whether it is whole."""
    found = checkpoint.load_latest(folder)
    assert found is not None
    tensors, facts = found
    step = int(facts["step"])
    assert torch.equal(tensors["weight"], torch.full((3, 4), float(step)))
    assert facts["seconds"] == step / 2
    return step


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    shared = torch.randn(4, 4)
    tensors = {
        "fp32": torch.randn(2, 3),
        "bf16": torch.randn(5).bfloat16(),
        "count": torch.tensor(7),
        "bytes": torch.arange(9, dtype=torch.uint8),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "whole": shared,
        "part": shared[1:, ::2],  # shares memory, and is no block of it
        "trained": torch.randn(2, requires_grad=True),
    }
    facts = {"seconds": 1.5, "health": {"bad_steps": 0}, "share": 0.1 + 0.2}
    checkpoint.save(tmp_path, 3, tensors, facts)
    found, known = checkpoint.load_latest(tmp_path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor.detach())
    assert known == {**facts, "step": 3, "version": 1}


def test_no_checkpoint_is_nothing(tmp_path: Path) -> None:
    assert checkpoint.load_latest(tmp_path) is None
    assert checkpoint.load_latest(tmp_path / "never made") is None


def test_the_newest_is_loaded_and_two_are_kept(tmp_path: Path) -> None:
    for step in (5, 90, 100, 1000):
        _save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000100", "step-00001000"]
    assert _latest(tmp_path) == 1000


def test_files_are_safetensors_and_json_and_nothing_else(tmp_path: Path) -> None:
    place = _save(tmp_path, 1)
    assert sorted(path.name for path in place.iterdir()) == ["state.json", "state.safetensors"]
    assert json.loads((place / "state.json").read_text())["facts"]["step"] == 1
    assert load_file(place / "state.safetensors").keys() == _tensors(1).keys()


def _flip(place: Path) -> None:
    path = place / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 0x10  # loads without complaint, and is wrong
    path.write_bytes(bytes(content))


def _truncate(place: Path) -> None:
    path = place / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-7])


def _halve_facts(place: Path) -> None:
    path = place / "state.json"
    path.write_text(path.read_text()[:30])


def _change_facts(place: Path) -> None:
    path = place / "state.json"
    path.write_text(path.read_text().replace('"seconds": 4.0', '"seconds": 9.0'))


def _other_json(place: Path) -> None:
    (place / "state.json").write_text("[1, 2]")


def _no_facts(place: Path) -> None:
    (place / "state.json").unlink()


def _no_tensors(place: Path) -> None:
    (place / "state.safetensors").unlink()


def _zeros(place: Path) -> None:
    for path in place.iterdir():
        path.write_bytes(b"\0" * path.stat().st_size)


def _empty(place: Path) -> None:
    for path in place.iterdir():
        path.write_bytes(b"")


_DAMAGES = [
    _flip, _truncate, _halve_facts, _change_facts, _other_json,
    _no_facts, _no_tensors, _zeros, _empty,
]  # fmt: skip


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    damage: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _save(tmp_path, 4)
    damage(_save(tmp_path, 8))
    assert _latest(tmp_path) == 4
    assert "step-00000008 is damaged" in capsys.readouterr().out


def test_without_a_whole_one_the_user_is_told_what_to_do(tmp_path: Path) -> None:
    for step in (4, 8):
        _truncate(_save(tmp_path, step))
    with pytest.raises(DataError, match=r"must be whole, got 2 damaged ones. Remove the folder"):
        checkpoint.load_latest(tmp_path)


def test_a_newer_version_is_refused_and_not_taken_for_damage(tmp_path: Path) -> None:
    place = _save(tmp_path, 4)
    facts = {"step": 4, "seconds": 2.0, "version": 99}
    digest = checkpoint._digest(place / "state.safetensors", facts)
    (place / "state.json").write_text(json.dumps({"facts": facts, "sha256": digest}))
    with pytest.raises(DataError, match=r"of version 1, .*has version 99. Use the Anlage that"):
        checkpoint.load_latest(tmp_path)


def test_what_a_killed_process_left_is_ignored_and_cleared_away(tmp_path: Path) -> None:
    _save(tmp_path, 4)
    draft = tmp_path / ".step-00000008.tmp"
    draft.mkdir()
    (draft / "state.safetensors").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    assert _latest(tmp_path) == 4
    _save(tmp_path, 12)
    assert not draft.exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


class _Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


def _count_operations(patch: pytest.MonkeyPatch, kill_at: int | None) -> list[str]:
    """Let the process die at file operation number ``kill_at``; return the list of operations."""
    made: list[str] = []

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(made) == kill_at:
                raise _Killed
            made.append(name)
            return work(*args, **kwargs)

        return call

    patch.setattr(checkpoint, "save_file", watched("save_file", save_file))
    patch.setattr(os, "fsync", watched("fsync", os.fsync))
    patch.setattr(shutil, "rmtree", watched("rmtree", shutil.rmtree))
    for name in ("rename", "mkdir", "write_text"):
        patch.setattr(Path, name, watched(name, getattr(Path, name)))
    return made


def test_death_at_any_file_operation_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    _save(tmp_path / "all", 4)
    with pytest.MonkeyPatch.context() as patch:
        operations = _count_operations(patch, None)
        _save(tmp_path / "all", 8)
    assert operations.count("fsync") == 4  # both files, their folder, and the folder above
    assert operations.index("rename") > operations.index("fsync")
    for kill_at in range(len(operations)):
        folder = tmp_path / str(kill_at)
        _save(folder, 4)
        with pytest.MonkeyPatch.context() as patch:
            _count_operations(patch, kill_at)
            with pytest.raises(_Killed):
                _save(folder, 8)
        was_renamed = "rename" in operations[:kill_at]
        assert _latest(folder) == (8 if was_renamed else 4)
        _save(folder, 8)  # and the same step can be saved again
        assert _latest(folder) == 8
        assert not list(folder.glob(".step-*"))


_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("place", "name", "error"),
    [
        (checkpoint, "save_file", _FULL),
        (checkpoint, "save_file", SafetensorError("I/O error: No space left on device")),
        (Path, "write_text", _FULL),
        (os, "fsync", _FULL),
        (Path, "rename", _FULL),
    ],
)
def test_a_full_disk_is_named_with_its_remedy_and_the_last_checkpoint_stays(
    place: Any, name: str, error: Exception, tmp_path: Path
) -> None:
    _save(tmp_path, 4)

    def full(*_args: Any, **_kwargs: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, full)
        with pytest.raises(DataError, match=r"No space left on device.*Free space; the same comm"):
            _save(tmp_path, 8)
    assert _latest(tmp_path) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(DataError, match="checkpoints must be writable"):
        _save(tmp_path / "checkpoints", 4)
