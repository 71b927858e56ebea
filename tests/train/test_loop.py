"""The loop: what one step is, what a bad one is, and how a run ends."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anlage.tensors import MethodOutput
from anlage.train import checkpoint
from anlage.train.loop import LoopConfig, Outcome

BuildToy = Callable[..., nn.Module]
FitToy = Callable[..., Outcome]


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def _same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def _log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_run_is_plain_adamw_with_the_schedule(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any]
) -> None:
    module = build_toy()
    reference = copy.deepcopy(module)
    outcome = fit_toy(module, steps=12, learning_rate=1e-2, weight_decay=0.1, clip_norm=0.5)
    assert (outcome.status, outcome.step, outcome.exit_code) == ("finished", 12, 0)
    named = dict(reference.named_parameters())
    matrices = [p for name, p in named.items() if name.endswith("weight")]
    vectors = [p for name, p in named.items() if name.endswith("bias")]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    )
    for step in range(12):
        rate = 1e-2 * (1.0 if step < 1 else 0.5 + 0.5 * math.cos(math.pi * (step - 1) / 11))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        reference(toy_batches(step)).loss.backward()
        nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
        optimiser.step()
    for name, tensor in reference.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], tensor, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-2},
        {"weight_decay": 0.5},
        {"warmup": 0.9},
        {"clip_norm": 0.01},
        {"steps": 6},
        {"accumulate": 2},
        {"average": 0.9},
        {"precision": "bf16"},
    ],
)
def test_every_setting_changes_the_weights(
    change: dict[str, Any], build_toy: BuildToy, fit_toy: FitToy
) -> None:
    usual, changed = build_toy(), build_toy()
    fit_toy(usual)
    fit_toy(changed, **change)
    assert not _same(usual.state_dict(), changed.state_dict())


def test_a_network_in_evaluation_mode_is_trained_all_the_same(
    build_toy: BuildToy, fit_toy: FitToy
) -> None:
    module = build_toy(has_norm=True).eval()
    fit_toy(module, steps=3)
    assert int(module.body[1].num_batches_tracked) == 3


def test_micro_batches_add_up_to_the_batch(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any]
) -> None:
    whole, parts = build_toy(), build_toy()
    fit_toy(whole, batch_size=8)
    fit_toy(
        parts, batch_size=8, accumulate=4, next_batch=lambda number: toy_batches(number, size=2)
    )
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], tensor, rtol=1e-5, atol=1e-6)


def test_gradients_are_clipped_and_their_norm_is_logged_unclipped(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path
) -> None:
    module = build_toy()
    seen: list[float] = []

    class Watch(torch.optim.AdamW):
        def step(self, *args: Any, **kwargs: Any) -> None:
            grads = [p.grad for group in self.param_groups for p in group["params"]]
            seen.append(float(nn.utils.get_total_norm(grads)))
            super().step(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Watch)
        fit_toy(module, folder=tmp_path, clip_norm=0.05, log_every=1)
    logged = [line["gradient_norm"] for line in _log(tmp_path)]
    assert min(logged) > 0.06
    assert seen == pytest.approx([0.05] * 12, rel=1e-4)


def _spoil(batches: Callable[..., Any], steps: set[int]) -> Callable[[int], Any]:
    def next_batch(number: int) -> Any:
        batch = batches(number)
        if number in steps:
            batch.images[0, 0] = float("nan")
        return batch

    return next_batch


def test_a_bad_step_leaves_no_trace_but_its_rows(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any], tmp_path: Path
) -> None:
    module = build_toy(has_norm=True, has_teacher=True)
    snapshots: list[dict[str, Tensor]] = []

    def next_batch(number: int) -> Any:
        snapshots.append(_weights(module))
        return _spoil(toy_batches, {4})(number)

    outcome = fit_toy(module, folder=tmp_path, next_batch=next_batch)
    assert outcome.status == "finished"
    assert _same(snapshots[4], snapshots[5])  # weights, batch norm, teacher: as before
    assert not _same(snapshots[5], snapshots[6])
    assert all(tensor.isfinite().all() for tensor in module.state_dict().values())
    bad = json.loads((tmp_path / "bad_steps.jsonl").read_text())
    assert bad == {"step": 5, "rows": list(range(32, 40))}


def test_one_bad_micro_batch_spoils_its_whole_step(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any], tmp_path: Path
) -> None:
    module = build_toy()
    outcome = fit_toy(
        module, folder=tmp_path, accumulate=2, next_batch=_spoil(toy_batches, {6}), steps=5
    )
    assert outcome.status == "finished"
    assert json.loads((tmp_path / "bad_steps.jsonl").read_text())["step"] == 4
    assert all(tensor.isfinite().all() for tensor in module.state_dict().values())


def test_a_loss_that_is_finite_with_a_gradient_that_is_not_is_a_bad_step(
    build_toy: BuildToy, fit_toy: FitToy
) -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3))

        def forward(self, _batch: object) -> MethodOutput:
            return MethodOutput.from_parts(root=self.weight.square().sum().sqrt())  # slope 0/0

    module = Root()
    outcome = fit_toy(module, steps=20)
    assert outcome.status == "diverged"
    assert torch.equal(module.weight.data, torch.zeros(3))


def test_ten_bad_steps_in_a_row_end_the_run_and_weights_stay_finite(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any], tmp_path: Path
) -> None:
    module = build_toy(has_norm=True)
    outcome = fit_toy(
        module,
        folder=tmp_path,
        next_batch=_spoil(toy_batches, set(range(7, 99))),
        steps=50,
        checkpoint_every=1,
    )
    assert (outcome.status, outcome.exit_code, outcome.step) == ("diverged", 1, 17)
    assert "10 steps in a row gave no finite loss" in outcome.reason
    assert all(tensor.isfinite().all() for tensor in module.state_dict().values())
    _, facts = checkpoint.load_latest(tmp_path / "checkpoints")
    assert facts["step"] == 7  # the last good one


def test_nine_bad_steps_in_a_row_do_not(
    build_toy: BuildToy, fit_toy: FitToy, toy_batches: Callable[..., Any]
) -> None:
    spoilt = {*range(2, 11), *range(12, 21)}
    outcome = fit_toy(build_toy(), next_batch=_spoil(toy_batches, spoilt), steps=30)
    assert outcome.status == "finished"


class _Collapsed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, batch: Any) -> MethodOutput:
        embedding = self.weight.expand(len(batch.sample), 4)
        return MethodOutput.from_parts(spread=self.weight.square().sum(), embedding=embedding)


def test_constant_embeddings_end_a_run_that_is_guarded(fit_toy: FitToy, tmp_path: Path) -> None:
    outcome = fit_toy(
        _Collapsed(), folder=tmp_path, steps=100, health_every=5, stop_on_collapse=True
    )
    assert (outcome.status, outcome.exit_code, outcome.step) == ("collapsed", 1, 15)
    assert "practically the same embedding" in outcome.reason


def test_and_only_one_that_is(build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path) -> None:
    assert fit_toy(_Collapsed(), folder=tmp_path, steps=40, health_every=5).status == "finished"
    healthy = fit_toy(build_toy(), steps=40, health_every=5, stop_on_collapse=True)
    assert healthy.status == "finished"


def test_the_log_holds_what_the_loss_is_made_of(
    build_toy: BuildToy, fit_toy: FitToy, tmp_path: Path
) -> None:
    fit_toy(build_toy(), folder=tmp_path, steps=13, log_every=5, health_every=8)
    lines = _log(tmp_path)
    assert [line["step"] for line in lines] == [5, 8, 10, 13]
    assert {"loss", "error", "learning_rate", "gradient_norm", "seconds"} <= lines[0].keys()
    assert [("rank" in line) for line in lines] == [False, True, False, True]
    assert all(line["loss"] == line["error"] for line in lines)


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"steps": 0}, {"accumulate": 0}, {"clip_norm": 0}, {"average": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LoopConfig(**{"steps": 1, **wrong})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_is_what_the_module_runs_in(
    precision: str, fit_toy: FitToy, toy_batches: Callable[..., Any]
) -> None:
    found: list[torch.dtype] = []

    class Product(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 1)

        def forward(self, batch: Any) -> MethodOutput:
            output = self.layer(batch.images)
            found.append(output.dtype)
            return MethodOutput.from_parts(square=output.square().mean())

    module = Product()
    fit_toy(module, steps=1, precision=precision)
    assert found == [{"fp32": torch.float32, "bf16": torch.bfloat16}[precision]]
    assert module.layer.weight.dtype == torch.float32
