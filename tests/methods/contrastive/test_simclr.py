"""SimCLR: what its two views, its patients and its options do to the loss."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor, nn

from anlage.encoders import Encoder, build_encoder
from anlage.methods.contrastive.simclr import SimCLR
from anlage.tensors import Features, Views

MakeViews = Callable[..., Views]


def _encoder() -> Encoder:
    torch.manual_seed(0)
    return build_encoder(
        "resnet10", dims=2, channels=1, image_size=(32, 48), options={"base_width": 8}
    )


def _method(**options: float) -> SimCLR:
    torch.manual_seed(1)
    return SimCLR(_encoder(), SimCLR.Config(**{"hidden_width": 16, **options}))


def test_the_loss_is_lightlys_on_the_projections(draw_views: MakeViews) -> None:
    method, views = _method(temperature=0.3), draw_views()
    projections: list[Tensor] = []
    method.projector.register_forward_hook(lambda *call: projections.append(call[2]))
    loss = method(views).loss
    reference = NTXentLoss(temperature=0.3, gather_distributed=False)
    assert len(projections) == 2
    torch.testing.assert_close(loss, reference(*projections))


def test_other_images_of_a_patient_are_no_negatives(draw_views: MakeViews) -> None:
    method = _method()
    usual = method(draw_views()).loss
    some = method(draw_views(patient=[0, 0, 1, 2])).loss
    assert float(some) < float(usual)  # fewer negatives, all else alike
    assert float(method(draw_views(patient=[7, 7, 7, 7])).loss) == 0


@pytest.mark.parametrize(
    ("option", "value"), [("temperature", 0.4), ("hidden_width", 32), ("projection_width", 16)]
)
def test_every_option_changes_the_loss(option: str, value: float, draw_views: MakeViews) -> None:
    usual, changed = _method()(draw_views()).loss, _method(**{option: value})(draw_views()).loss
    assert float(changed) != float(usual)


def test_the_projector_has_the_widths_of_the_options() -> None:
    projector = _method(hidden_width=24, projection_width=12).projector
    assert [projector[0].out_features, projector[-1].out_features] == [24, 12]


class _Constant(nn.Module):
    """Gives every image the same embedding."""

    def forward(self, images: Tensor) -> Features:
        return Features(maps=(), embedding=torch.ones(len(images), 64))


@pytest.mark.parametrize("batch", [4, 7])
def test_a_constant_embedding_costs_a_blind_guess(batch: int, draw_views: MakeViews) -> None:
    method = _method()
    method.encoder = _Constant()
    loss = method(draw_views(batch=batch)).loss
    assert float(loss) == pytest.approx(math.log(2 * batch - 1), rel=1e-5)


def test_agreeing_views_of_different_images_cost_less_than_a_guess(draw_views: MakeViews) -> None:
    views = draw_views()
    same = replace(views, images=(views.images[0], views.images[0]))
    assert float(_method()(same).loss) < math.log(7)


@pytest.mark.parametrize("view", [0, 1])
def test_each_view_changes_the_loss(view: int, draw_views: MakeViews) -> None:
    method, views = _method(), draw_views()
    changed = list(views.images)
    changed[view] = changed[view].flip(0)
    usual, other = method(views).loss, method(replace(views, images=tuple(changed))).loss
    assert not torch.equal(usual, other)


def test_health_sees_the_embedding_and_not_the_projection(draw_views: MakeViews) -> None:
    method, views = _method().eval(), draw_views()
    output = method(views)
    assert torch.equal(output.embedding, method.encoder(views.images[0]).embedding)
    assert not output.embedding.requires_grad


def test_two_views_that_overlap_and_differ_in_intensity_are_asked_for() -> None:
    spec = _method().spec
    assert (spec.num_views, spec.intensity, spec.is_masked) == (2, True, False)
    assert spec.min_overlap == 0.25
