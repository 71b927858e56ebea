"""What every encoder plug-in must keep, in 2D and 3D."""

import math

import pytest
import torch
from torch import nn

from anlage import plugins
from anlage.encoders import build_encoder
from anlage.errors import ConfigError, ShapeError

NAMES = plugins.available("encoders")
EVERY = [(name, dims) for name in NAMES for dims in (2, 3)]
each_encoder = pytest.mark.parametrize(("name", "dims"), EVERY)


def _is_transformer(name: str) -> bool:
    return name.startswith("vit")


def _edges(name: str, dims: int) -> tuple[int, ...]:
    """Edges that all differ; no multiples of any stride where the encoder takes that."""
    return ((48, 32, 40) if _is_transformer(name) else (50, 37, 45))[:dims]


def test_all_architectures_are_there() -> None:
    assert {"resnet10", "resnet18", "resnet50", "resenc", "vit_tiny", "vit_small"} <= set(NAMES)


@each_encoder
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_maps_have_the_stated_widths_and_strides(name: str, dims: int, channels: int) -> None:
    edges = _edges(name, dims)
    with torch.device("meta"):  # shapes alone, without arithmetic
        encoder = build_encoder(name, dims=dims, channels=channels, image_size=(32,) * dims)
        features = encoder(torch.empty(2, channels, *edges))
    assert len(features.maps) == len(encoder.widths) == len(encoder.strides)
    assert list(encoder.strides) == sorted(encoder.strides)
    for part, width, stride in zip(features.maps, encoder.widths, encoder.strides, strict=True):
        assert part.shape == (2, width, *(math.ceil(edge / stride) for edge in edges))
    assert features.embedding.shape == (2, encoder.width)
    assert encoder.width == encoder.widths[-1]
    assert (encoder.dims, encoder.channels) == (dims, channels)
    assert encoder.image_size == (32,) * dims
    assert encoder.architecture == name
    assert (encoder.patch is not None) == _is_transformer(name)
    assert (features.tokens is not None) == _is_transformer(name)


@each_encoder
def test_every_channel_matters(name: str, dims: int) -> None:
    encoder = build_encoder(name, dims=dims, channels=2, image_size=(16,) * dims).eval()
    images = torch.rand(1, 2, *(16,) * dims)
    for channel in range(2):
        changed = images.clone()
        changed[:, channel] += torch.rand(16)
        with torch.no_grad():
            assert not torch.allclose(encoder(changed).embedding, encoder(images).embedding)


@each_encoder
def test_axes_keep_their_order(name: str, dims: int) -> None:
    """A change at one corner block of a non-cubic image shows at the same place of the map."""
    torch.manual_seed(0)
    size = (32, 48, 64)[:dims]
    encoder = build_encoder(name, dims=dims, channels=1, image_size=size).eval()
    images = torch.rand(1, 1, *size)
    changed = images.clone()
    place = (1, 4, 6)[:dims]  # in blocks of 8
    block = tuple(slice(8 * index, 8 * index + 8) for index in place)
    changed[(0, 0, *block)] += 3 * torch.rand([8] * dims)
    with torch.no_grad():
        pairs = zip(encoder(images).maps, encoder(changed).maps, encoder.strides, strict=True)
    for before, after, stride in pairs:
        if stride > 8:
            continue
        change = (after - before).abs().sum(dim=1)[0]
        peak = torch.unravel_index(change.argmax(), change.shape)
        for index, coordinate in zip(place, peak, strict=True):
            assert 8 * index - 4 <= stride * int(coordinate) < 8 * index + 12


@each_encoder
def test_gradient_reaches_every_parameter(name: str, dims: int) -> None:
    torch.manual_seed(0)
    edge = 16 if _is_transformer(name) else 33
    encoder = build_encoder(name, dims=dims, channels=1, image_size=(32,) * dims)
    with torch.no_grad():
        for parameter in encoder.parameters():  # some norms start at zero and block the way
            parameter.add_(0.05 * torch.randn_like(parameter))
    images = torch.rand(2, 1, edge, *(16,) * (dims - 1))
    embedding = encoder(images).embedding
    (embedding * torch.randn_like(embedding)).sum().backward()
    without = [
        key
        for key, parameter in encoder.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert not without


@each_encoder
def test_weights_follow_from_the_seed(name: str, dims: int) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        encoder = build_encoder(name, dims=dims, channels=1, image_size=(16,) * dims)
        return torch.cat([part.flatten() for part in encoder.parameters()])

    first = weights(3)
    assert torch.equal(first, weights(3))
    if dims == 2:
        assert not torch.equal(first, weights(4))


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_is_repeatable_and_keeps_state(name: str) -> None:
    encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 32))
    images = torch.rand(2, 1, 32, 32)
    encoder.train()(images)
    encoder.eval()
    state = {key: part.clone() for key, part in encoder.state_dict().items()}
    with torch.no_grad():
        together = encoder(images).embedding
        assert torch.equal(encoder(images).embedding, together)
        alone = torch.cat([encoder(image[None]).embedding for image in images])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)
    assert all(torch.equal(part, state[key]) for key, part in encoder.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_the_stated_config_builds_the_same_network(name: str) -> None:
    encoder = build_encoder(name, dims=2, channels=1, image_size=(96, 96))
    options = encoder.config.model_dump()
    assert None not in options.values()
    with torch.device("meta"):
        again = build_encoder(name, dims=2, channels=1, image_size=(224, 224), options=options)
    changed_only_by_grid = {"body.pos_embed"}
    for key, part in encoder.state_dict().items():
        assert again.state_dict()[key].shape == part.shape or key in changed_only_by_grid


@each_encoder
def test_wrong_images_are_refused(name: str, dims: int) -> None:
    with torch.device("meta"):
        encoder = build_encoder(name, dims=dims, channels=2, image_size=(32,) * dims)
        space = "H, W" if dims == 2 else "X, Y, Z"
        match = rf"{name} takes images of shape \(B, 2, {space}\), got \(1, 3,"
        with pytest.raises(ShapeError, match=match):
            encoder(torch.empty(1, 3, *(32,) * dims))
        with pytest.raises(ShapeError, match=r"got \(1, 2, 32"):
            encoder(torch.empty(1, 2, *(32,) * (5 - dims)))


@pytest.mark.parametrize("name", [name for name in NAMES if not _is_transformer(name)])
def test_a_cnn_refuses_visible(name: str) -> None:
    with torch.device("meta"):
        encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 32))
        with pytest.raises(ShapeError, match=f"{name} is a CNN and cannot leave out tokens"):
            encoder(torch.empty(1, 1, 32, 32), torch.zeros(1, 1, dtype=torch.int64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "resnet19"}, "Did you mean 'resnet18'"),
        ({"dims": 4}, "dims must be 2 or 3, got 4"),
        ({"channels": 0}, "channels must be 1 or more, got 0"),
        ({"image_size": (32, 32, 32)}, r"so 2 of them, got \(32, 32, 32\)"),
        ({"image_size": (32, 0)}, r"positive edge per axis"),
        ({"options": {"nrom": "batch"}}, "encoder resnet18: there is no setting 'nrom'.*'norm'"),
    ],
)
def test_wrong_settings_are_refused(change: dict, message: str) -> None:
    asked = {"name": "resnet18", "dims": 2, "channels": 1, "image_size": (32, 32), **change}
    with pytest.raises(ConfigError, match=message):
        build_encoder(asked.pop("name"), **asked)


def test_all_norms_are_the_asked_ones() -> None:
    kinds = {"batch": nn.modules.batchnorm._BatchNorm, "group": nn.GroupNorm}
    for name in ("resnet10", "resnet18", "resnet50"):
        for dims, default in ((2, "batch"), (3, "group")):
            for asked in (None, "batch", "group"):
                with torch.device("meta"):
                    encoder = build_encoder(
                        name,
                        dims=dims,
                        channels=1,
                        image_size=(32,) * dims,
                        options={"norm": asked},
                    )
                found = {
                    norm
                    for norm, kind in kinds.items()
                    if any(isinstance(module, kind) for module in encoder.modules())
                }
                assert found == {asked or default}
