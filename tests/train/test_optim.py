"""What changes weights: who is decayed, how fast, and what follows."""

import copy
import math

import pytest
import torch
from torch import nn

from anlage.encoders import build_encoder
from anlage.train.optim import build_optimiser, learning_rate_share, momentum, update_average


def _decayed(module: nn.Module) -> set[str]:
    optimiser = build_optimiser(module, learning_rate=1e-3, weight_decay=0.05)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        names[id(parameter)]
        for group in optimiser.param_groups
        for parameter in group["params"]
        if group["weight_decay"] > 0
    }


@pytest.mark.parametrize("name", ["resnet10", "vit_tiny", "resenc"])
def test_matrices_and_kernels_decay_and_nothing_else(name: str) -> None:
    with torch.device("meta"):
        encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 32))
    kernels = {
        f"{place}.weight"
        for place, layer in encoder.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    assert _decayed(encoder) == kernels
    spared = {key for key, _ in encoder.named_parameters()} - kernels
    assert any(key.endswith("bias") for key in spared)


def test_tokens_and_positions_do_not_decay() -> None:
    with torch.device("meta"):
        vit = build_encoder("vit_tiny", dims=2, channels=1, image_size=(32, 32))
    assert {"body.cls_token", "body.pos_embed"} & _decayed(vit) == set()


def test_frozen_parameters_are_left_alone() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    module[0].requires_grad_(requires_grad=False)
    optimiser = build_optimiser(module, learning_rate=1e-3, weight_decay=0.05)
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert held == {id(p) for p in module[1].parameters()}


def test_without_gradient_only_the_decay_acts() -> None:
    layer = nn.Linear(3, 4)
    before = copy.deepcopy(layer.state_dict())
    optimiser = build_optimiser(layer, learning_rate=0.1, weight_decay=0.5)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    torch.testing.assert_close(layer.weight.data, before["weight"] * (1 - 0.1 * 0.5))
    assert torch.equal(layer.bias.data, before["bias"])


def test_the_rate_rises_linearly_and_falls_along_half_a_cosine() -> None:
    shares = [learning_rate_share(step, steps=100, warmup=10) for step in range(100)]
    for step, share in enumerate(shares):
        if step < 10:
            expected = (step + 1) / 10
        else:
            expected = 0.5 + 0.5 * math.cos(math.pi * (step - 10) / 90)
        assert share == pytest.approx(expected)
    assert max(shares) == 1
    assert shares[55] == pytest.approx(0.5)
    assert 0 < shares[-1] < 1e-3


def test_without_warm_up_the_rate_starts_at_its_peak() -> None:
    assert learning_rate_share(0, steps=5, warmup=0) == 1
    assert learning_rate_share(0, steps=1, warmup=0) == 1  # a single step divides by nothing


def test_a_warm_up_as_long_as_the_run_never_falls() -> None:
    shares = [learning_rate_share(step, steps=4, warmup=4) for step in range(4)]
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_a_teachers_momentum_rises_to_1_along_half_a_cosine() -> None:
    assert momentum(0, steps=200, base=0.99) == pytest.approx(0.99)
    assert momentum(100, steps=200, base=0.99) == pytest.approx(0.995)
    assert momentum(200, steps=200, base=0.99) == 1
    assert momentum(50, steps=200, base=0.9) == pytest.approx(
        1 - 0.1 * (math.cos(math.pi * 0.25) + 1) / 2
    )


def test_an_average_keeps_its_share_and_statistics_are_averaged_too() -> None:
    online, average = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        online.weight.fill_(3.0)
        online.running_mean.fill_(10.0)
        online.num_batches_tracked.fill_(7)
    update_average(online.state_dict(), average.state_dict(), 0.9)
    torch.testing.assert_close(average.weight.data, torch.full((2,), 0.9 * 1 + 0.1 * 3))
    torch.testing.assert_close(average.running_mean, torch.full((2,), 0.1 * 10))
    assert int(average.num_batches_tracked) == 7  # a counter is copied, not averaged to 0
    assert float(online.weight[0].detach()) == 3


def test_many_small_moves_are_not_lost() -> None:
    online, average = {"w": torch.ones(1)}, {"w": torch.zeros(1)}
    for _ in range(2000):
        update_average(online, average, 0.999)
    assert float(average["w"]) == pytest.approx(1 - 0.999**2000, rel=1e-3)


def test_an_average_of_16_bit_weights_is_kept_in_its_own_precision() -> None:
    average = {"w": torch.zeros(1)}
    update_average({"w": torch.ones(1, dtype=torch.bfloat16)}, average, 0.999)
    assert average["w"].dtype == torch.float32
    assert float(average["w"]) == pytest.approx(0.001, rel=1e-4)


def test_networks_of_different_shape_are_not_averaged() -> None:
    with pytest.raises(AssertionError, match="tensors of its online twin"):
        update_average(nn.Linear(2, 2).state_dict(), nn.BatchNorm1d(2).state_dict(), 0.5)
