"""Painters: what is hidden is never seen, and what is judged is exactly what is hidden."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anlage.encoders import Encoder, build_encoder, sincos_positions
from anlage.methods._masked import patchify
from anlage.methods._reconstruction import Painter, TokenPainter, build_painter, map_errors
from anlage.methods._token_decoder import TokenDecoder

Case = tuple[Encoder, Tensor, Tensor, Tensor]

_CASES = [
    ("resnet10", (64, 32)),
    ("resnet10", (32, 32, 48)),
    ("vit_tiny", (16, 24)),
    ("vit_tiny", (16, 8, 24)),
]


@pytest.fixture(params=_CASES, ids=lambda case: f"{case[0]}-{len(case[1])}d")
def case(request: pytest.FixtureRequest) -> Case:
    """Encoder, images, masks of 8-pixel units, and those masks as pixels, enlarged by NumPy."""
    name, size = request.param
    torch.manual_seed(0)
    options = {"base_width": 8, "norm": "group"} if name == "resnet10" else {"patch": 8}
    encoder = build_encoder(name, dims=len(size), channels=2, image_size=size, options=options)
    images = torch.randn(2, 2, *size)
    grid = tuple(edge // 8 for edge in size)
    masks = (torch.rand(2, math.prod(grid)).argsort(dim=1) < math.prod(grid) // 2).reshape(2, *grid)
    block = np.ones((8,) * len(grid), dtype=bool)
    pixels = torch.from_numpy(np.stack([np.kron(mask, block) for mask in masks.numpy()]))
    return encoder.eval(), images, masks, pixels[:, None].expand(-1, 2, *size)


def _painter(encoder: Encoder, *, standardise: bool | None = False) -> Painter | TokenPainter:
    return build_painter(encoder, standardise=standardise, floor=0.01, width=24, depth=1).eval()


def _blind(painter: Painter | TokenPainter) -> Painter | TokenPainter:
    """Let the decoder paint zeros, so that the error is the hidden target's square alone."""
    for parameter in painter.decoder.head.parameters():
        nn.init.zeros_(parameter)
    return painter


def test_the_hidden_set_is_the_judged_set(case: Case) -> None:
    encoder, images, masks, pixels = case
    images.requires_grad_()
    _, error = _blind(_painter(encoder))(encoder, images, masks)
    error.backward()
    assert torch.equal(images.grad != 0, pixels)
    assert error.item() == pytest.approx(images.detach()[pixels].square().mean().item(), rel=1e-5)


def test_the_encoder_sees_exactly_what_is_not_hidden(case: Case) -> None:
    encoder, images, masks, pixels = case
    images.requires_grad_()
    features, _ = _painter(encoder)(encoder, images, masks)
    features.embedding.square().sum().backward()
    assert torch.equal(images.grad != 0, ~pixels)


def test_hidden_pixels_change_no_feature_and_no_painting(case: Case) -> None:
    encoder, images, masks, pixels = case
    painter = _painter(encoder)
    painted: list[Tensor] = []
    painter.decoder.register_forward_hook(lambda *call: painted.append(call[2]))
    features, _ = painter(encoder, images, masks)
    other = torch.where(pixels, 100 * torch.randn_like(images), images)
    again, _ = painter(encoder, other, masks)
    for before, after in zip(features.maps, again.maps, strict=True):
        assert torch.equal(before, after)
    assert torch.equal(features.embedding, again.embedding)
    assert torch.equal(painted[0], painted[1])


def test_the_target_is_not_modified(case: Case) -> None:
    encoder, images, masks, _ = case
    images_before, masks_before = images.clone(), masks.clone()
    _painter(encoder, standardise=True)(encoder, images, masks)
    assert torch.equal(images, images_before)
    assert torch.equal(masks, masks_before)


def test_a_standardised_target_is_that_of_its_own_patch(case: Case) -> None:
    encoder, images, masks, pixels = case
    size = tuple(images.shape[2:])
    ramp = torch.linspace(-3, 3, math.prod(size)).reshape(1, 1, *size) + images  # position-coded
    patches = patchify(ramp, 8).double()  # the mask unit, and the transformer's patch
    hidden = patchify(pixels.float(), 8).bool()
    mean, deviation = patches.mean(-1, keepdim=True), patches.var(-1, keepdim=True, correction=0)
    target = (patches - mean) / (deviation + 0.01).sqrt()
    _, error = _blind(_painter(encoder, standardise=True))(encoder, ramp, masks)
    assert error.item() == pytest.approx(target[hidden].square().mean().item(), rel=1e-4)


def test_standardising_is_for_transformers_unless_asked_for(case: Case) -> None:
    encoder = case[0]
    is_transformer = encoder.patch is not None
    assert _painter(encoder, standardise=None).standardise == is_transformer
    assert _painter(encoder, standardise=True).standardise
    assert not _painter(encoder, standardise=False).standardise


def test_a_cnn_sees_the_learned_value_in_hidden_places() -> None:
    torch.manual_seed(0)
    encoder = build_encoder(
        "resnet10", dims=2, channels=2, image_size=(32, 32), options={"base_width": 8}
    )
    seen: list[Tensor] = []
    encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    painter = _painter(encoder)
    nn.init.constant_(painter.mask_value, 0.0)
    with torch.no_grad():
        painter.mask_value[1] = 0.7
    masks = torch.tensor([[[True, False], [False, False]]]).repeat(2, 1, 1)
    images = torch.randn(2, 2, 32, 32)
    _features, error = painter(encoder, images, masks)
    corner = (slice(None), slice(None), slice(0, 16), slice(0, 16))
    expected = images.clone()
    expected[corner] = torch.tensor([0.0, 0.7]).reshape(1, 2, 1, 1)
    assert torch.equal(seen[0], expected)
    error.backward()
    assert float(painter.mask_value.grad.abs().min()) > 0


@pytest.mark.parametrize("grid", [(2, 3), (2, 1, 3)])
def test_the_token_decoder_puts_every_token_back_in_its_place(grid: tuple[int, ...]) -> None:
    count, width = math.prod(grid), 16
    decoder = TokenDecoder(width_in=width, grid=grid, out=width, width=width, depth=1)
    decoder.embed = decoder.blocks = decoder.norm = decoder.head = nn.Identity()
    hidden = torch.tensor([[0, 1, 1, 0, 1, 0], [1, 1, 0, 0, 0, 1]]).bool()[:, :count]
    order = hidden.int().argsort(dim=1, stable=True)
    tokens = torch.arange(1.0, 1 + 2 * count * width).reshape(2, count, width)
    visible = torch.stack([tokens[i][~hidden[i]] for i in range(2)])
    decoded = decoder(visible, order.argsort(dim=1)) - sincos_positions(grid, width)[:, 1:]
    expected = torch.where(hidden[:, :, None], decoder.mask_token, tokens)
    torch.testing.assert_close(decoded, expected)


def test_a_perfect_painter_makes_no_error(case: Case) -> None:
    """Painting in token order and judging in pixel order would be an error here."""
    encoder, images, masks, _ = case

    class Oracle(nn.Module):
        def forward(self, *_: object) -> Tensor:
            return images if encoder.patch is None else patchify(images, 8)

    painter = _painter(encoder)
    painter.decoder = Oracle()
    _, error = painter(encoder, images, masks)
    assert error.item() == 0


def test_errors_are_mapped_to_their_own_positions(case: Case) -> None:
    """With zeros painted, the error of a position is its target's mean square."""
    encoder, images, masks, _ = case
    found = map_errors(_blind(_painter(encoder)), encoder, images, masks)
    assert found.shape == masks.shape
    for place in np.ndindex(*masks.shape[1:]):
        box = tuple(slice(8 * i, 8 * i + 8) for i in place)
        expected = images[(slice(None), slice(None), *box)].square().flatten(1).mean(dim=1)
        torch.testing.assert_close(found[(slice(None), *place)], expected, rtol=1e-4, atol=1e-5)


def test_the_mean_of_hidden_errors_is_the_loss(case: Case) -> None:
    encoder, images, masks, _ = case
    painter = _painter(encoder)
    _, error = painter(encoder, images, masks)
    found = map_errors(painter, encoder, images, masks)
    torch.testing.assert_close(found[masks].mean(), error.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "grid"), [((32, 64), (4, 2)), ((32, 64, 32), (2, 2, 4))])
def test_units_that_differ_between_axes_are_standardised_and_judged_as_they_are(
    size: tuple[int, ...], grid: tuple[int, ...]
) -> None:
    encoder = build_encoder(
        "resnet10", dims=len(size), channels=1, image_size=size, options={"base_width": 8}
    )
    painter = _blind(_painter(encoder.eval(), standardise=True))
    painter.floor = 0.0
    images = 3 + 2 * torch.randn(2, 1, *size)
    masks = (torch.rand(2, math.prod(grid)).argsort(dim=1) < 3).reshape(2, *grid)
    _, error = painter(encoder, images, masks)
    assert error.item() == pytest.approx(1, rel=1e-4)  # each unit has deviation 1
    found = map_errors(painter, encoder, images, masks)
    torch.testing.assert_close(found, torch.ones(2, *grid), rtol=1e-4, atol=1e-4)
