"""Killed at any moment and started again, a run ends with the very same weights."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anlage.train.feed import FedBatch, Feed
from anlage.train.finetune import finetune
from anlage.train.pretrain import pretrain

_HERE = Path(__file__).parent
_PRETRAIN = {
    "method": "aligned_mae",  # two views, masks, a teacher, a decoder, and batch norm
    "method_options": {"hidden_width": 16, "projection_width": 8},
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "steps": 8,
    "batch_size": 8,
    "accumulate": 2,
    "precision": "fp32",
    "device": "cpu",
    "checkpoint_every": 3,
    "log_every": 1,
}
_FINETUNE = {
    "start": "scratch",
    "task": "classification",
    "label": ["lesion"],
    "task_options": {"dropout": 0.3},
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "device": "cpu",
    "adapt": {"min_steps": 8, "max_steps": 8, "batch_size": 4, "precision": "fp32"},
}


def _call(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_HERE / script), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _kill_at(verb: str, store: Path, out: Path, batch: int, settings: dict[str, Any]) -> None:
    done = _call("killed_at.py", verb, str(store), str(out), str(batch), json.dumps(settings))
    assert done.returncode == -signal.SIGKILL, done.stderr


def _files(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob(name))}


def _log(out: Path) -> Iterator[dict[str, float]]:
    for line in (out / "log.jsonl").read_text().splitlines():
        yield {name: value for name, value in json.loads(line).items() if name != "seconds"}


def test_runs_that_die_anywhere_end_bit_for_bit_alike(tmp_path: Path) -> None:
    done = _call("dies_anywhere.py", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["deaths"] >= 20
    assert len(found["hashes"]) == 9
    assert set(found["hashes"]) == {found["hashes"][0]}
    logs = [list(_log(tmp_path / str(number))) for number in range(9)]
    assert all(log == logs[0] for log in logs)
    assert [line["step"] for line in logs[0]] == list(range(1, 21))


def test_a_pretraining_killed_between_checkpoints_ends_with_the_same_files(
    slices_store: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    pretrain(slices_store, out=whole, **_PRETRAIN)
    _kill_at("pretrain", slices_store, parts, 9, _PRETRAIN)
    assert json.loads((parts / "run.json").read_text())["status"] == "running"
    assert [path.name for path in (parts / "checkpoints").iterdir()] == ["step-00000003"]
    outcome = pretrain(slices_store, out=parts, **_PRETRAIN)
    assert (outcome.status, outcome.step) == ("finished", 8)
    assert _files(parts / "encoder", "*.safetensors") == _files(whole / "encoder", "*.safetensors")
    assert list(_log(parts)) == list(_log(whole))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_fine_tuning_that_is_asked_to_stop_saves_and_goes_on_alike(
    number: int, code: int, slices_store: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    finetune(slices_store, out=whole, **_FINETUNE)
    read = Feed.batch

    def batch(self: Feed, place: int) -> FedBatch:
        if place == 4:
            os.kill(os.getpid(), number)
        return read(self, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Feed, "batch", batch)
        outcome = finetune(slices_store, out=parts, **_FINETUNE)
    assert (outcome.status, outcome.exit_code) == ("stopped", code)
    assert json.loads((parts / "run.json").read_text())["status"] == "stopped"
    assert [path.name for path in (parts / "checkpoints").iterdir()] == ["step-00000005"]
    assert not (parts / "model").exists()
    assert finetune(slices_store, out=parts, **_FINETUNE).step == 8
    assert _files(parts / "model", "*.safetensors") == _files(whole / "model", "*.safetensors")


def test_a_killed_fine_tuning_ends_with_the_same_model(slices_store: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    finetune(slices_store, out=whole, **_FINETUNE)
    _kill_at("finetune", slices_store, parts, 5, _FINETUNE)
    assert json.loads((parts / "run.json").read_text())["status"] == "running"
    finetune(slices_store, out=parts, **_FINETUNE)
    assert _files(parts / "model", "*.safetensors") == _files(whole / "model", "*.safetensors")
