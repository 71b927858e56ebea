"""The U-Net decoder over every kind of pyramid."""

from dataclasses import replace

import pytest
import torch

from anlage import plugins
from anlage.encoders import UNetDecoder, build_encoder
from anlage.encoders._decoder import _crop, _targets
from anlage.errors import ConfigError, ShapeError

EVERY = [(name, dims) for name in plugins.available("encoders") for dims in (2, 3)]
KINDS = ["resnet10", "resenc", "vit_tiny"]  # finest stride 2, 1, and all strides alike


@pytest.mark.parametrize(("name", "dims"), EVERY)
@pytest.mark.parametrize("edges", [(48, 32, 40), (50, 37, 45), (33, 31, 64)])
def test_output_has_exactly_the_size_of_the_input(
    name: str, dims: int, edges: tuple[int, ...]
) -> None:
    if name.startswith("vit") and edges != (48, 32, 40):
        edges = (64, 8, 16)  # multiples of its patch
    with torch.device("meta"):
        encoder = build_encoder(name, dims=dims, channels=2, image_size=(32,) * dims)
        decoder = UNetDecoder(encoder, out_channels=5)
        images = torch.empty(2, 2, *edges[:dims])
        assert decoder(images, encoder(images)).shape == (2, 5, *edges[:dims])


@pytest.mark.parametrize(
    ("strides", "targets"),
    [
        ((1, 2, 4, 8), (1, 2, 4, 8)),
        ((2, 4, 8, 16, 32), (2, 4, 8, 16, 32)),
        ((16, 16, 16, 16), (2, 4, 8, 16)),
        ((8, 8, 8, 8), (2, 2, 4, 8)),
        ((32, 32, 32, 32), (4, 8, 16, 32)),
        ((2, 2, 2, 2), (2, 2, 2, 2)),
    ],
)
def test_every_map_enters_where_it_should(
    strides: tuple[int, ...], targets: tuple[int, ...]
) -> None:
    assert _targets(strides) == targets


def test_surplus_is_cut_at_the_end_because_strided_maps_start_at_zero() -> None:
    whole = torch.arange(24).reshape(1, 1, 4, 6)
    assert torch.equal(_crop(whole, [3, 5]), whole[:, :, :3, :5])


@pytest.mark.parametrize("patch", [2, 16, 32])
def test_other_patches_are_lifted_too(patch: int) -> None:
    with torch.device("meta"):
        encoder = build_encoder(
            "vit_tiny", dims=2, channels=1, image_size=(64, 96), options={"patch": patch}
        )
        images = torch.empty(1, 1, 64, 96)
        output = UNetDecoder(encoder, out_channels=2)(images, encoder(images))
    assert output.shape == (1, 2, 64, 96)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dims", [2, 3])
def test_every_map_matters_and_every_parameter_learns(name: str, dims: int) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(name, dims=dims, channels=1, image_size=(32,) * dims).eval()
    decoder = UNetDecoder(encoder, out_channels=2)
    images = torch.rand(2, 1, *(40, 24, 16)[:dims])
    with torch.no_grad():
        features = encoder(images)
    output = decoder(images, features)
    for index in range(len(features.maps)):
        maps = list(features.maps)
        maps[index] = torch.randn_like(maps[index])
        with torch.no_grad():
            changed = decoder(images, replace(features, maps=tuple(maps)))
        assert not torch.allclose(changed, output, atol=1e-3)
    (output * torch.randn_like(output)).sum().backward()
    for key, parameter in decoder.named_parameters():
        assert parameter.grad is not None, key


@pytest.mark.parametrize("name", KINDS)
def test_the_raw_image_enters_only_where_no_map_has_full_resolution(name: str) -> None:
    encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 32)).eval()
    decoder = UNetDecoder(encoder, out_channels=1)
    images = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        features = encoder(images)
        same = torch.equal(decoder(images, features), decoder(images.flip(2), features))
    assert same == (name == "resenc")


@pytest.mark.parametrize("name", KINDS)
def test_axes_keep_their_order(name: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(name, dims=3, channels=1, image_size=(16, 24, 32)).eval()
    decoder = UNetDecoder(encoder, out_channels=3).eval()
    images = torch.rand(1, 1, 16, 24, 32)
    changed = images.clone()
    changed[:, :, :8, 16:, 8:16] += 3 * torch.rand(8, 8, 8)
    with torch.no_grad():
        before, after = (decoder(x, encoder(x)) for x in (images, changed))
    change = (after - before).abs().sum(dim=1)[0].reshape(2, 8, 3, 8, 4, 8).mean(dim=(1, 3, 5))
    assert torch.unravel_index(change.argmax(), change.shape) == (0, 2, 1)


def test_only_the_head_depends_on_the_number_of_channels() -> None:
    with torch.device("meta"):
        encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 32))
        two, nine = (UNetDecoder(encoder, out_channels=out).state_dict() for out in (2, 9))
    assert two.keys() == nine.keys()
    changed = [key for key in two if two[key].shape != nine[key].shape]
    assert changed == ["head.weight", "head.bias"]


def test_the_width_cap_holds() -> None:
    with torch.device("meta"):
        encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 32))
        for cap, widths in (
            (8, [8] * 5),
            (40, [40, 40, 40, 32, 16]),
            (128, [128, 128, 64, 32, 16]),
        ):
            decoder = UNetDecoder(encoder, out_channels=2, width_cap=cap)
            assert [up.conv.out_channels for up in decoder.ups] == widths
            images = torch.empty(1, 1, 64, 64)
            assert decoder(images, encoder(images)).shape == (1, 2, 64, 64)


def test_what_cannot_be_decoded_is_refused() -> None:
    vit = build_encoder("vit_tiny", dims=2, channels=1, image_size=(16, 16))
    images = torch.rand(1, 1, 16, 16)
    decoder = UNetDecoder(vit, out_channels=1)
    with pytest.raises(ShapeError, match=r"needs 4 feature maps, got none.*without visible"):
        decoder(images, vit(images, torch.tensor([[0, 3]])))
    resnet = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 32)).eval()
    with pytest.raises(ShapeError, match=r"more than one position at stride 16.*edges \(16, 16\)"):
        UNetDecoder(resnet, out_channels=1)(images, resnet(images))
    with pytest.raises(ConfigError, match="must be 1 or more, got 0 and 128"):
        UNetDecoder(resnet, out_channels=0)
