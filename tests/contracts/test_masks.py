"""Any masked method takes any mask, in 2D and 3D, over a CNN and a vision transformer."""

import numpy as np
import pytest
import torch
from torch import Tensor

from anlage import plugins
from anlage.encoders import build_encoder
from anlage.errors import ConfigError
from anlage.methods import MapsErrors, Method
from anlage.tensors import Views
from anlage.transforms.draws import Draws
from anlage.transforms.masking import MaskPlan
from anlage.transforms.views import CropBatch, Intensities, ViewPlan, make_views

MASKS = plugins.available("transforms/masks")
_SIZES = {2: (32, 48), 3: (16, 24, 16)}
_ENCODERS = {"resnet10": {"base_width": 8, "norm": "group"}, "vit_tiny": {"patch": 8}}


def _method(name: str, dims: int, encoder: str) -> Method:
    torch.manual_seed(0)
    built = build_encoder(
        encoder, dims=dims, channels=1, image_size=_SIZES[dims], options=_ENCODERS[encoder]
    )
    plugin = plugins.load("methods", name)
    return plugin(built, plugin.Config()).train()


def _is_masked(name: str) -> bool:
    for encoder in _ENCODERS:
        try:
            return _method(name, 2, encoder).spec.is_masked
        except ConfigError:  # made for the other kind of encoder
            continue
    return False


MASKED = [name for name in plugins.available("methods") if _is_masked(name)]
each_case = pytest.mark.parametrize(
    ("name", "dims", "encoder"),
    [(name, dims, encoder) for name in MASKED for dims in (2, 3) for encoder in _ENCODERS],
)


def _views(method: Method, dims: int, kind: str, ratio: float = 0.5) -> Views:
    """What the main path makes: views, masked by a plug-in that is shown what it asks for."""
    size, generator = _SIZES[dims], torch.Generator().manual_seed(1)
    labels = torch.zeros(3, *size, dtype=torch.long)
    labels[:, 3:9, 2:7] = 1
    images = torch.rand(3, 1, *size, generator=generator)
    images[..., : size[-1] // 2, :] *= 0.02  # dark, and flatter
    batch = CropBatch(
        images=images,
        label_maps=labels,
        spacing_mm=torch.ones(3, dims),
        sample=torch.arange(3),
        patient=torch.arange(3),
    )
    plan = ViewPlan(
        size=size,
        intensities=Intensities(low=0, high=1, mean=(0.5,), std=(0.3,)),
        crop_scale=(0.8, 1.0),
        masking=MaskPlan(mask=plugins.load("transforms/masks", kind)(), ratio=ratio, unit=8),
    )
    draws = Draws(seed=0, epoch=np.zeros(3, dtype=np.int64), sample=np.arange(3))
    errors = method.error_map if isinstance(method, MapsErrors) else _no_errors
    return make_views(batch, plan, method.spec, draws=draws, errors=errors)


def _no_errors(images: Tensor, masks: Tensor) -> Tensor:
    """Stand in for a method that maps no errors: a run with it and a mask that asks is refused."""
    return masks.float()


def test_there_are_the_masks_and_masked_methods_that_must_be() -> None:
    wanted = {"random", "block", "cube", "foreground", "saliency", "loss", "lesion"}
    assert wanted <= set(MASKS)
    assert {"mae", "aligned_mae"} <= set(MASKED)


@each_case
def test_every_mask_gives_a_finite_loss_and_another_one_than_others(
    name: str, dims: int, encoder: str
) -> None:
    method = _method(name, dims, encoder)
    losses = {}
    for kind in MASKS:
        with torch.no_grad():
            losses[kind] = float(method(_views(method, dims, kind)).loss)
    assert np.isfinite(list(losses.values())).all()
    assert len(set(losses.values())) >= len(losses) - 2  # on few positions some fall together


@each_case
def test_measuring_errors_leaves_no_trace(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    if not isinstance(method, MapsErrors):
        return
    before = {key: value.clone() for key, value in method.state_dict().items()}
    views, numbers = _views(method, dims, "random"), torch.get_rng_state()
    flags = [module.training for module in method.modules()]
    found = method.error_map(views.images[0], views.masks[0])
    assert found.shape == views.masks[0].shape
    assert found.isfinite().all()
    assert not found.requires_grad
    assert (found[views.masks[0]] > 0).all()
    assert [module.training for module in method.modules()] == flags
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
    alone = method.error_map(views.images[0][1:2], views.masks[0][1:2])
    torch.testing.assert_close(alone[0], found[1], atol=1e-4, rtol=1e-4)
    other = method.error_map(views.images[0].flip(0), views.masks[0])
    assert not torch.equal(other, found)
