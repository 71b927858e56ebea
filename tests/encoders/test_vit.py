"""Vision transformers: token order, visible tokens, parity with timm."""

import math

import pytest
import timm
import torch
from torch import nn

from anlage.encoders import Encoder, build_encoder
from anlage.encoders._vit import _keep
from anlage.errors import ConfigError, ShapeError


def _vit(size: tuple[int, ...], *, channels: int = 1, **options: object) -> Encoder:
    torch.manual_seed(0)
    return build_encoder(
        "vit_tiny", dims=len(size), channels=channels, image_size=size, options=options
    ).eval()


def _without_blocks(size: tuple[int, ...]) -> Encoder:
    """A transformer that is only its patch and position embedding."""
    encoder = _vit(size, patch=8)
    encoder.body.blocks = nn.Sequential(*[nn.Identity()] * 12)
    encoder.body.norm = nn.Identity()
    return encoder


@pytest.mark.parametrize("size", [(16, 24), (16, 24, 32)])
def test_a_map_value_comes_from_the_block_at_its_place(size: tuple[int, ...]) -> None:
    encoder = _without_blocks(size)
    grid = tuple(edge // 8 for edge in size)
    images = torch.arange(math.prod(size), dtype=torch.float32).reshape(1, 1, *size)
    features = encoder(images / images.max())
    weight, bias = encoder.body.patch_embed.proj.parameters()
    for token, place in enumerate(torch.cartesian_prod(*map(torch.arange, grid)).tolist()):
        cut = tuple(slice(8 * index, 8 * index + 8) for index in place)
        block = images[(0, 0, *cut)] / images.max()
        expected = (weight[:, 0] * block).flatten(1).sum(dim=1) + bias
        expected = expected + encoder.body.pos_embed[0, 1 + token]
        for part in features.maps:
            torch.testing.assert_close(part[(0, slice(None), *place)], expected)
        torch.testing.assert_close(features.tokens[0, token], expected)


@pytest.mark.parametrize("size", [(16, 24), (16, 24, 32)])
def test_visible_tokens_keep_their_own_positions(size: tuple[int, ...]) -> None:
    encoder = _without_blocks(size)
    images = torch.rand(2, 1, *size)
    everything = encoder(images).tokens
    visible = torch.tensor([[4, 1, 0], [2, 5, 3]])
    features = encoder(images, visible)
    assert features.maps == ()
    expected = torch.stack([everything[0, visible[0]], everything[1, visible[1]]])
    torch.testing.assert_close(features.tokens, expected)
    torch.testing.assert_close(features.embedding, expected.mean(dim=1))


@pytest.mark.parametrize("size", [(16, 24), (16, 24, 32)])
def test_hidden_patches_have_no_influence(size: tuple[int, ...]) -> None:
    encoder = _vit(size)
    images = torch.rand(1, 1, *size)
    changed = images.clone()
    changed[..., -8:] = 5  # every token whose last index is the last one
    last = size[-1] // 8
    count = math.prod(edge // 8 for edge in size)
    visible = torch.tensor([[token for token in range(count) if token % last != last - 1]])
    before, after = encoder(images, visible), encoder(changed, visible)
    assert torch.equal(before.tokens, after.tokens)
    assert torch.equal(before.embedding, after.embedding)
    assert not torch.allclose(encoder(images).embedding, encoder(changed).embedding)


def test_all_tokens_visible_is_the_same_as_none_named() -> None:
    encoder = _vit((16, 24, 16))
    images = torch.rand(2, 1, 16, 24, 16)
    order = torch.stack([torch.randperm(12), torch.randperm(12)])
    features, whole = encoder(images, order), encoder(images)
    for image in range(2):
        torch.testing.assert_close(features.tokens[image], whole.tokens[image, order[image]])
    torch.testing.assert_close(features.embedding, whole.embedding)


@pytest.mark.parametrize("size", [(32, 48), (48, 32)])
def test_two_dimensions_equal_timm(size: tuple[int, int]) -> None:
    encoder = _vit((32, 48), channels=3, patch=8)
    reference = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=(32, 48),
        patch_size=8,
        num_classes=0,
        dynamic_img_size=True,
    ).eval()
    reference.load_state_dict(encoder.body.state_dict())
    images = torch.rand(2, 3, *size)
    with torch.no_grad():
        features = encoder(images)
        last, parts = reference.forward_intermediates(images, indices=[2, 5, 8, 11])
    for part, expected in zip(features.maps[:3], parts[:3], strict=True):
        torch.testing.assert_close(part, expected)
    torch.testing.assert_close(features.tokens, last[:, 1:])
    torch.testing.assert_close(features.maps[3].flatten(2), last[:, 1:].transpose(1, 2))
    torch.testing.assert_close(features.embedding, last[:, 1:].mean(dim=1))


def test_the_class_token_can_be_the_embedding() -> None:
    mean, first = _vit((16, 16)), _vit((16, 16), pool="class")
    first.load_state_dict(mean.state_dict())
    images = torch.rand(1, 1, 16, 16)
    assert not torch.allclose(mean(images).embedding, first(images).embedding)
    last = first.body.norm(_last_tokens(first, images))
    torch.testing.assert_close(first(images).embedding, last[:, 0])


def _last_tokens(encoder: Encoder, images: torch.Tensor) -> torch.Tensor:
    tokens = encoder.body.patch_embed(images)
    tokens = torch.cat((encoder.body.cls_token.expand(len(images), -1, -1), tokens), dim=1)
    return encoder.body.blocks(tokens + encoder.body.pos_embed)


@pytest.mark.parametrize(
    ("size", "patch"), [((96, 224), 8), ((112, 112), 16), ((96, 96, 96), 8), ((128,) * 3, 16)]
)
def test_the_patch_follows_the_shortest_edge(size: tuple[int, ...], patch: int) -> None:
    with torch.device("meta"):
        encoder = build_encoder("vit_tiny", dims=len(size), channels=1, image_size=size)
    assert encoder.patch == patch
    assert encoder.strides == (patch,) * 4


def test_three_dimensional_positions_are_fixed_and_saved() -> None:
    encoder = _vit((16, 24, 32))
    assert "body.pos_embed" not in dict(encoder.named_parameters())
    assert "body.pos_embed" in encoder.state_dict()
    assert isinstance(_vit((16, 24)).body.pos_embed, nn.Parameter)


def test_another_image_size_resizes_positions() -> None:
    encoder = _vit((16, 24, 32))
    encoder.body.blocks, encoder.body.norm = nn.Sequential(*[nn.Identity()] * 12), nn.Identity()
    nn.init.zeros_(encoder.body.patch_embed.proj.weight)
    part = encoder(torch.rand(1, 1, 32, 24, 16)).maps[0]
    assert part.shape == (1, 192, 4, 3, 2)
    middle = encoder.body.pos_embed[0, 1:].reshape(2, 3, 4, 192)
    expected = (0.75 * middle[0] + 0.25 * middle[1])[:, :2].mean(dim=1)
    bias = encoder.body.patch_embed.proj.bias
    torch.testing.assert_close(part[0, :, 1, :, 0].T, expected + bias)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"multiple of the patch 8 on every axis, got \(30, 32\)"):
        build_encoder("vit_tiny", dims=2, channels=1, image_size=(30, 32))
    encoder = _vit((16, 16))
    with pytest.raises(ShapeError, match=r"multiples of its patch 8, got edges \(16, 20\)"):
        encoder(torch.rand(1, 1, 16, 20))
    tokens = torch.rand(2, 4, 8)
    for shape in ((4,), (2, 0), (1, 3)):
        with pytest.raises(ShapeError, match=r"visible must hold token indices of shape \(2, n\)"):
            _keep(tokens, torch.zeros(shape, dtype=torch.int64))
    with pytest.raises(ConfigError, match="patch"):
        build_encoder("vit_tiny", dims=2, channels=1, image_size=(30, 30), options={"patch": 10})
