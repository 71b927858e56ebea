"""What follows the weights, what is saved of a run, and that a resumed run is the same run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anlage.errors import DataError
from anlage.train import checkpoint
from anlage.train.loop import Outcome
from anlage.train.signals import Stop

BuildToy = Callable[..., nn.Module]
FitToy = Callable[..., Outcome]


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def _same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def _log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def _spoil(batches: Callable[..., Any], steps: set[int]) -> Callable[[int], Any]:
    def next_batch(number: int) -> Any:
        batch = batches(number)
        if number in steps:
            batch.images[0, 0] = float("nan")
        return batch

    return next_batch


def test_teachers_momentum_is_a_setting_too(build_toy: BuildToy, fit_toy: FitToy) -> None:
    usual, changed = build_toy(has_teacher=True), build_toy(has_teacher=True)
    fit_toy(usual)
    fit_toy(changed, teacher_momentum=0.5)
    different = [
        name
        for name, tensor in usual.state_dict().items()
        if not torch.equal(tensor, changed.state_dict()[name])
    ]
    assert different == ["teacher.weight", "teacher.bias"]


def test_the_teacher_follows_once_per_update_and_not_per_micro_batch(
    build_toy: BuildToy, fit_toy: FitToy
) -> None:
    module = build_toy(has_teacher=True)
    follow = module.teacher.weight.clone()
    history: list[Tensor] = []

    class Watch(torch.optim.AdamW):
        def step(self, *args: Any, **kwargs: Any) -> None:
            super().step(*args, **kwargs)
            history.append(module.head.weight.detach().clone())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Watch)
        fit_toy(module, steps=5, accumulate=3, teacher_momentum=0.9)
    assert len(history) == 5
    for step, online in enumerate(history, start=1):
        keep = 1 - 0.1 * (math.cos(math.pi * step / 5) + 1) / 2
        follow = keep * follow + (1 - keep) * online
    torch.testing.assert_close(module.teacher.weight, follow)
    assert module.teacher.weight.grad is None


def test_the_average_of_all_weights_is_what_is_kept(build_toy: BuildToy, fit_toy: FitToy) -> None:
    module = build_toy()
    average = _weights(module)["head.weight"]
    history: list[Tensor] = []

    class Watch(torch.optim.AdamW):
        def step(self, *args: Any, **kwargs: Any) -> None:
            super().step(*args, **kwargs)
            history.append(module.head.weight.detach().clone())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Watch)
        fit_toy(module, steps=3, average=0.4)  # a young average forgets faster
    for step, online in enumerate(history, start=1):
        keep = min(0.4, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * online
    torch.testing.assert_close(module.head.weight.detach(), average)
    assert not torch.equal(module.head.weight, history[-1])


def test_an_average_copies_weights_and_not_what_else_a_module_holds(
    build_toy: BuildToy, fit_toy: FitToy
) -> None:
    class NotCopied:
        def __deepcopy__(self, _memo: object) -> None:
            raise AssertionError("images of a whole store would be copied here")

    module = build_toy()
    module.store = NotCopied()
    assert fit_toy(module, average=0.9).status == "finished"


@pytest.mark.parametrize("stop_at", [1, 5, 11])
def test_a_stopped_run_goes_on_to_the_same_weights_and_log(
    stop_at: int,
    build_toy: BuildToy,
    fit_toy: FitToy,
    toy_batches: Callable[..., Any],
    tmp_path: Path,
) -> None:
    def build() -> nn.Module:
        return build_toy(has_norm=True, has_teacher=True)

    settings = {"average": 0.9, "log_every": 1, "health_every": 4}
    whole = build()
    fit_toy(whole, folder=tmp_path / "whole", **settings)
    stop = Stop()

    def next_batch(number: int) -> Any:
        if number == stop_at:
            stop.exit_code = 143
        return toy_batches(number)

    outcome = fit_toy(
        build(), folder=tmp_path / "parts", next_batch=next_batch, stop=stop, **settings
    )
    if stop_at < 11:
        assert (outcome.status, outcome.exit_code) == ("stopped", 143)
        assert outcome.reason == f"stopped at step {stop_at + 1}"
    else:
        assert outcome.status == "finished"  # the last step was being made already
    torch.manual_seed(99)  # random numbers come from the checkpoint, not from here
    resumed = build_toy(seed=5, has_norm=True, has_teacher=True)
    assert fit_toy(resumed, folder=tmp_path / "parts", **settings).step == 12
    assert _same(resumed.state_dict(), whole.state_dict())
    drop = {"seconds"}
    logs = [
        [{k: v for k, v in line.items() if k not in drop} for line in _log(tmp_path / part)]
        for part in ("whole", "parts")
    ]
    assert logs[0] == logs[1]


def test_a_finished_run_makes_no_further_step(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path
) -> None:
    first, again = build_toy(), build_toy(seed=3)
    fit_toy(first, folder=tmp_path)

    def never(_number: int) -> Any:
        raise AssertionError("no batch is needed")

    assert fit_toy(again, folder=tmp_path, next_batch=never).step == 12
    assert _same(first.state_dict(), again.state_dict())


def test_checkpoints_come_by_steps_and_never_after_a_bad_one(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any], tmp_path: Path
) -> None:
    saved: list[int] = []
    save = checkpoint.save

    def watched(folder: Path, step: int, *rest: Any) -> Path:
        saved.append(step)
        return save(folder, step, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", watched)
        fit_toy(
            build_toy(),
            folder=tmp_path,
            next_batch=_spoil(toy_batches, {5}),
            checkpoint_every=3,
        )
    assert saved == [3, 9, 12]  # 6 was bad; 12 is due and the end, and saved once


def test_a_full_disk_ends_the_run_and_the_last_checkpoint_goes_on(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path
) -> None:
    whole, module = build_toy(), build_toy()
    fit_toy(whole)
    real, calls = checkpoint.save_file, []

    def full_at_second(*args: Any) -> None:
        calls.append(args)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full_at_second)
        with pytest.raises(DataError, match=r"No space left on device.*Free space"):
            fit_toy(module, folder=tmp_path, checkpoint_every=4)
    _, facts = checkpoint.load_latest(tmp_path / "checkpoints")
    assert facts["step"] == 4
    resumed = build_toy(seed=8)
    assert fit_toy(resumed, folder=tmp_path, checkpoint_every=4).step == 12
    assert _same(resumed.state_dict(), whole.state_dict())


def test_a_damaged_checkpoint_costs_steps_and_not_the_result(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = build_toy(has_norm=True)
    fit_toy(whole, folder=tmp_path, checkpoint_every=5)
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1] / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-9])
    resumed = build_toy(seed=4, has_norm=True)
    fit_toy(resumed, folder=tmp_path, checkpoint_every=5)
    assert "is damaged" in capsys.readouterr().out
    assert _same(resumed.state_dict(), whole.state_dict())


def test_no_file_of_a_run_is_a_pickle(build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path) -> None:
    fit_toy(build_toy(has_teacher=True), folder=tmp_path, average=0.9)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json", ".jsonl"}
    assert not any(path.read_bytes().startswith((b"\x80", b"PK")) for path in files)


def test_a_run_without_a_folder_writes_nothing(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit_toy(build_toy(), checkpoint_every=1)
    assert not list(tmp_path.iterdir())
