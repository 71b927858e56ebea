"""bf16 only where it is fast and its gradients are right."""

import pytest
import torch

from anlage.errors import ConfigError
from anlage.train.precision import autocast, settled_precision

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False], ids=["bf16 units", "none"])
def has_units(request, monkeypatch) -> bool:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": request.param})
    return request.param


def test_auto_takes_bf16_for_pictures_where_it_is_fast(has_units):
    assert settled_precision("auto", (64, 48), CPU) == ("bf16" if has_units else "fp32")


@pytest.mark.parametrize("size", [(32, 32, 32), (96, 96, 96), (16, 64), (64, 31)])
def test_auto_keeps_small_maps_in_fp32_on_a_cpu(size, has_units):
    assert settled_precision("auto", size, CPU) == "fp32"
    assert settled_precision("fp32", size, CPU) == "fp32"


@pytest.mark.parametrize("size", [(32, 32, 32), (16, 64)])
def test_bf16_is_refused_where_its_gradients_are_wrong(size):
    with pytest.raises(ConfigError, match="fp32"):
        settled_precision("bf16", size, CPU)
    assert settled_precision("bf16", size, torch.device("cuda")) == "bf16"
    assert settled_precision("bf16", (64, 64), CPU) == "bf16"


@pytest.mark.parametrize(
    ("precision", "found"), [("bf16", torch.bfloat16), ("fp32", torch.float32)]
)
def test_autocast_computes_in_what_was_settled(precision, found):
    with autocast(precision, CPU):
        assert torch.nn.functional.linear(torch.ones(2, 2), torch.ones(2, 2)).dtype == found


@pytest.mark.parametrize(
    ("shape", "stride"), [((64, 64), 1), ((2, 2), 2), ((2, 2), 1), ((1, 1), 1)], ids=str
)
def test_gradients_of_maps_that_bf16_is_allowed_for_are_right(shape, stride):
    torch.manual_seed(0)
    images = torch.randn(8, 16, *shape)
    weight = (torch.randn(16, 16, 3, 3) * 0.1).requires_grad_()
    grads = []
    for precision in ("fp32", "bf16"):
        with autocast(precision, CPU):
            made = torch.nn.functional.conv2d(images, weight, stride=stride, padding=1)
        grads.append(torch.autograd.grad(made.float().square().sum(), weight)[0])
    assert float((grads[0] - grads[1]).norm() / grads[0].norm()) < 0.05
