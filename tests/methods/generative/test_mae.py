"""MAE: how much is hidden, what is dropped, what is kept, and what every option does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anlage.encoders import Encoder, build_encoder
from anlage.methods.generative.mae import MAE
from anlage.tensors import Views
from anlage.transforms.draws import Draws
from anlage.transforms.masks.random import RandomMask
from anlage.transforms.views import CropBatch, Intensities, MaskPlan, ViewPlan, make_views

MakeViews = Callable[..., Views]

_SIZES = {2: (32, 48), 3: (16, 24, 8)}
_KINDS = [("resnet10", 2), ("vit_tiny", 2), ("vit_tiny", 3)]


def _encoder(name: str, dims: int = 2) -> Encoder:
    torch.manual_seed(0)
    options = {"base_width": 8} if name == "resnet10" else {"patch": 8}
    return build_encoder(name, dims=dims, channels=1, image_size=_SIZES[dims], options=options)


def _method(name: str, dims: int = 2, **options: object) -> MAE:
    encoder = _encoder(name, dims)
    torch.manual_seed(1)
    return MAE(encoder, MAE.Config.parse({"decoder_width": 24, **options}, where="test"))


@pytest.mark.parametrize(("size", "ratio"), [((32, 48), 0.7), ((16, 24, 8), 0.5)])
def test_the_share_asked_for_is_hidden_in_every_image(size: tuple[int, ...], ratio: float) -> None:
    method = MAE(_encoder("vit_tiny"), MAE.Config(mask_ratio=ratio, mask_unit=8))
    plan = ViewPlan(
        size=size,
        intensities=Intensities(low=0, high=1, mean=(0.0,), std=(1.0,)),
        masking=MaskPlan(
            mask=RandomMask(), ratio=method.spec.mask_ratio, unit=method.spec.mask_unit
        ),
    )
    batch = CropBatch(
        images=torch.rand(5, 1, *size),
        label_maps=None,
        spacing_mm=torch.ones(5, len(size)),
        sample=torch.arange(5),
        patient=torch.arange(5),
    )
    draws = Draws(seed=0, epoch=np.zeros(5, dtype=np.int64), sample=np.arange(5))
    (masks,) = make_views(batch, plan, method.spec, draws=draws).masks
    count = masks[0].numel()
    assert masks.flatten(1).sum(dim=1).tolist() == [round(ratio * count)] * 5
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) > 1  # each image its own


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("ratio", [0.5, 0.75])
def test_a_transformer_encodes_visible_tokens_only(
    dims: int, ratio: float, draw_views: MakeViews
) -> None:
    method = _method("vit_tiny", dims)
    counts: list[int] = []
    for block in method.encoder.body.blocks:
        block.register_forward_pre_hook(lambda _, args: counts.append(args[0].shape[1]))
    views = draw_views(_SIZES[dims], num_views=1, ratio=ratio)
    method(views)
    visible = int((~views.masks[0][0]).sum())
    assert visible < views.masks[0][0].numel()
    assert counts == [1 + visible] * 12  # the class token comes along


@pytest.mark.parametrize("dims", [2, 3])
def test_positions_mean_the_same_in_pretraining_and_afterwards(dims: int) -> None:
    """With every token listed, in any order, the encoder is the one that is fine-tuned."""
    encoder = _encoder("vit_tiny", dims).eval()
    images = torch.randn(2, 1, *_SIZES[dims])
    whole = encoder(images)
    listed = torch.stack([torch.randperm(whole.tokens.shape[1]) for _ in range(2)])
    features = encoder(images, listed)
    expected = whole.tokens.gather(1, listed[:, :, None].expand(-1, -1, encoder.width))
    torch.testing.assert_close(features.tokens, expected)
    torch.testing.assert_close(features.embedding, whole.embedding)


@pytest.mark.parametrize(("name", "dims"), _KINDS)
def test_what_is_visible_is_never_judged(name: str, dims: int, draw_views: MakeViews) -> None:
    """Painting may be as wrong as it likes where the image is visible."""
    method = _method(name, dims, standardise_target=False).eval()
    views = draw_views(_SIZES[dims], num_views=1)
    usual = method(views).loss
    tokens = views.masks[0].flatten(1)  # units are patches here
    pixels = views.masks[0].repeat_interleave(8, 1).repeat_interleave(8, 2)
    pixels = pixels.repeat_interleave(8, 3) if dims == 3 else pixels

    def spoil(visible: bool) -> float:
        def hook(_module: nn.Module, _args: object, painted: Tensor) -> Tensor:
            hidden = tokens[:, :, None] if painted.ndim == 3 else pixels[:, None]
            return torch.where(hidden != visible, painted + 100, painted)

        handle = method.painter.decoder.register_forward_hook(hook)
        loss = float(method(views).loss)
        handle.remove()
        return loss

    assert spoil(visible=True) == float(usual)
    assert spoil(visible=False) > 1000


@pytest.mark.parametrize("name", ["resnet10", "vit_tiny"])
def test_the_mask_changes_the_loss(name: str, draw_views: MakeViews) -> None:
    method, views = _method(name).eval(), draw_views(num_views=1)
    inverted = replace(views, masks=(~views.masks[0],))
    assert float(method(views).loss) != float(method(inverted).loss)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("resnet10", "standardise_target", True),
        ("vit_tiny", "standardise_target", False),
        ("vit_tiny", "variance_floor", 0.5),
        ("vit_tiny", "decoder_width", 48),
        ("vit_tiny", "decoder_depth", 1),
    ],
)
def test_every_option_changes_the_loss(
    name: str, option: str, value: float, draw_views: MakeViews
) -> None:
    views = draw_views(num_views=1)
    usual, changed = _method(name)(views).loss, _method(name, **{option: value})(views).loss
    assert float(changed) != float(usual)


def test_mask_options_are_passed_on_and_else_left_to_the_modality() -> None:
    spec = _method("vit_tiny", mask_ratio=0.8, mask_unit=16).spec
    assert (spec.mask_ratio, spec.mask_unit, spec.is_masked) == (0.8, 16, True)
    spec = _method("vit_tiny").spec
    assert (spec.mask_ratio, spec.mask_unit, spec.is_masked) == (None, None, True)
    assert (spec.num_views, spec.intensity) == (1, False)


@pytest.mark.parametrize(("name", "dims"), _KINDS)
def test_it_says_where_it_errs_and_is_right_about_it(
    name: str, dims: int, draw_views: MakeViews
) -> None:
    """A position whose values nobody could guess is its worst."""
    method = _method(name, dims, standardise_target=False)
    views = draw_views(_SIZES[dims], num_views=1)
    masks = views.masks[0].clone()
    place = tuple(edge // 8 - 1 for edge in _SIZES[dims])
    masks[(0, *place)] = True
    masks[1:] = masks[0]
    images = 0.1 * views.images[0]
    images[(0, 0, *(slice(8 * i, 8 * i + 8) for i in place))] += 9
    found = method.error_map(images, masks)
    assert found.shape == masks.shape
    worst = torch.where(masks[0], found[0], 0).argmax()
    assert np.unravel_index(int(worst), masks[0].shape) == place
    assert found[(0, *place)] > 10 * found[(1, *place)]


def test_a_cnn_keeps_its_decoder_and_a_transformer_has_none_to_keep() -> None:
    method = _method("resnet10")
    assert method.decoder is method.painter.decoder
    assert method.decoder.out_channels == 1
    assert _method("vit_tiny").decoder is None


def test_a_constant_answer_costs_the_variance_of_the_target(draw_views: MakeViews) -> None:
    method = _method("vit_tiny", variance_floor=0.0)
    for parameter in method.painter.decoder.head.parameters():
        nn.init.zeros_(parameter)
    loss = float(method(draw_views(num_views=1)).loss)
    assert loss == pytest.approx(1, rel=1e-4)  # each patch has deviation 1


def test_flat_air_asks_for_nothing(draw_views: MakeViews) -> None:
    """A target of amplified noise would cost 1; the floor leaves its square near zero."""
    method = _method("vit_tiny")
    for parameter in method.painter.decoder.head.parameters():
        nn.init.zeros_(parameter)
    views = draw_views(num_views=1)
    air = replace(views, images=(-1 + 0.001 * torch.randn_like(views.images[0]),))
    assert float(method(air).loss) < 1e-3
