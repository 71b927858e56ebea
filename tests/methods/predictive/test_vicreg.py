"""VICReg: against lightly and NumPy, collapse, the weights, and the shape of a batch."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from lightly.loss import VICRegLoss
from torch import Tensor, nn

from anlage.encoders import build_encoder
from anlage.errors import ShapeError
from anlage.methods.predictive.vicreg import VICReg, vicreg_terms
from anlage.tensors import Features, Views

MakeViews = Callable[..., Views]


def _pairs(batch: int = 8, width: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    first = 0.7 * torch.randn(batch, width, generator=generator)
    return first, first + 0.5 * torch.randn(batch, width, generator=generator)


def test_the_weighted_sum_is_that_of_lightly() -> None:
    first, second = _pairs()
    invariance, variance, covariance = vicreg_terms(first, second)
    expected = VICRegLoss(lambda_param=25, mu_param=15, nu_param=2, gather_distributed=False)
    # lightly adds both views' variance terms as a mean and their covariance terms as a sum
    torch.testing.assert_close(
        25 * invariance + 15 * variance + 2 * covariance, expected(first, second)
    )


def test_each_term_is_that_of_numpy() -> None:
    first, second = _pairs()
    a, b = first.double().numpy(), second.double().numpy()
    invariance, variance, covariance = vicreg_terms(first, second)
    assert float(invariance) == pytest.approx(np.mean((a - b) ** 2), rel=1e-5)
    hinge = [np.maximum(0, 1 - np.sqrt(z.var(axis=0, ddof=1) + 1e-4)).mean() for z in (a, b)]
    assert float(variance) == pytest.approx(np.mean(hinge), rel=1e-5)
    off = 0.0
    for z in (a, b):
        matrix = np.cov(z.T)
        off += (np.square(matrix).sum() - np.square(np.diag(matrix)).sum()) / z.shape[1]
    assert float(covariance) == pytest.approx(off, rel=1e-5)


def test_collapse_costs_the_full_variance_term() -> None:
    constant = torch.full((8, 5), 3.0, requires_grad=True)
    invariance, variance, covariance = vicreg_terms(constant, constant)
    assert invariance.item() == covariance.item() == 0
    assert variance.item() == pytest.approx(1 - 0.01)  # the root of 1e-4: eps is inside
    variance.backward()
    assert torch.isfinite(constant.grad).all()  # the root of 0 would have no slope


def test_spread_and_independent_dimensions_cost_nothing() -> None:
    corners = 2 * torch.tensor([[i, j] for i in (-1.0, 1.0) for j in (-1.0, 1.0)])
    assert all(float(term) == 0 for term in vicreg_terms(corners, corners))


def test_autocast_does_not_round_the_covariance() -> None:
    first, second = _pairs(batch=32, width=16)
    usual = vicreg_terms(first, second)
    with torch.autocast("cpu", torch.bfloat16):
        inside = vicreg_terms(first, second)
    assert [float(term) for term in inside] == [float(term) for term in usual]


@pytest.mark.parametrize("part", ["invariance", "variance", "covariance"])
def test_each_weight_scales_its_own_part(part: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(
        "resnet10", dims=2, channels=1, image_size=(32, 32), options={"base_width": 8}
    )
    method = VICReg(encoder, VICReg.Config(projection_width=8))
    images = torch.rand(2, 4, 1, 32, 32)
    views = Views(
        images=(images[0], images[1]),
        geometry=(torch.eye(2, 3).repeat(4, 1, 1),) * 2,
        sample=torch.arange(4),
        patient=torch.arange(4),
    )
    usual = method(views).parts
    method.config = method.config.model_copy(update={part: 3 * getattr(method.config, part)})
    changed = method(views).parts
    for name, value in usual.items():
        factor = 3 if name == part else 1
        torch.testing.assert_close(changed[name], factor * value)


@pytest.mark.parametrize(("first", "second"), [((1, 5), (1, 5)), ((4, 5), (4, 6))])
def test_a_short_or_odd_batch_is_named(first: tuple[int, int], second: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match="needs two views of the same B >= 2 images, got shapes"):
        vicreg_terms(torch.rand(first), torch.rand(second))


def _method(**options: float) -> VICReg:
    torch.manual_seed(0)
    encoder = build_encoder(
        "resnet10", dims=2, channels=1, image_size=(32, 48), options={"base_width": 8}
    )
    return VICReg(encoder, VICReg.Config(**{"projection_width": 8, **options}))


def test_the_terms_are_those_of_the_projections(draw_views: MakeViews) -> None:
    method, views = _method(invariance=10, variance=20, covariance=3), draw_views()
    projections: list[Tensor] = []
    method.projector.register_forward_hook(lambda *call: projections.append(call[2]))
    loss = method(views).loss
    reference = VICRegLoss(lambda_param=10, mu_param=20, nu_param=3, gather_distributed=False)
    assert len(projections) == 2
    torch.testing.assert_close(loss, reference(*projections))


@pytest.mark.parametrize(
    ("option", "value"),
    [("invariance", 1), ("variance", 1), ("covariance", 5), ("projection_width", 12)],
)
def test_every_option_changes_the_loss(option: str, value: float, draw_views: MakeViews) -> None:
    usual, changed = _method()(draw_views()).loss, _method(**{option: value})(draw_views()).loss
    assert float(changed) != float(usual)


class _Constant(nn.Module):
    """Gives every image the same embedding."""

    def forward(self, images: Tensor) -> Features:
        return Features(maps=(), embedding=torch.ones(len(images), 64))


def test_a_constant_embedding_costs_the_whole_variance_term(draw_views: MakeViews) -> None:
    method = _method()
    method.encoder = _Constant()
    parts = method(draw_views()).parts
    assert float(parts["variance"]) == pytest.approx(25 * 0.99, rel=1e-5)
    assert float(parts["invariance"]) == float(parts["covariance"]) == 0


def test_patients_do_not_matter_since_nothing_is_repelled(draw_views: MakeViews) -> None:
    method = _method()
    assert float(method(draw_views()).loss) == float(method(draw_views(patient=[0] * 4)).loss)
