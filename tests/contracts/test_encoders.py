"""What every encoder must keep: Features as stated, the same again, and only its own images."""

import math
from functools import cache
from pathlib import Path

import pytest
import torch

from anlage import plugins
from anlage.encoders import Encoder, EncoderCard, build_encoder, load_encoder, save_encoder
from anlage.errors import ConfigError, ShapeError

NAMES = plugins.available("encoders")
_SIZES = {2: (32, 48), 3: (32, 16, 16)}

each_encoder = pytest.mark.parametrize(
    ("name", "dims"), [(name, dims) for name in NAMES for dims in (2, 3)]
)


@cache
def _encoder(name: str, dims: int) -> Encoder:
    """One encoder for several tests, in evaluation mode; none of them changes it."""
    torch.manual_seed(0)
    return build_encoder(name, dims=dims, channels=1, image_size=_SIZES[dims]).eval()


def _images(dims: int, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 1, *_SIZES[dims], generator=torch.Generator().manual_seed(1))


@each_encoder
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_features_are_as_stated(name: str, dims: int, channels: int) -> None:
    with torch.device("meta"):  # shapes alone, without arithmetic
        encoder = build_encoder(name, dims=dims, channels=channels, image_size=_SIZES[dims])
        features = encoder(torch.empty(2, channels, *_SIZES[dims]))
    assert len(features.maps) == len(encoder.widths) == len(encoder.strides)
    for part, width, stride in zip(features.maps, encoder.widths, encoder.strides, strict=True):
        assert part.shape == (2, width, *(math.ceil(edge / stride) for edge in _SIZES[dims]))
    assert features.embedding.shape == (2, encoder.width)
    assert encoder.width == encoder.widths[-1]
    assert list(encoder.strides) == sorted(encoder.strides)
    if encoder.patch is not None:
        count = math.prod(edge // encoder.patch for edge in _SIZES[dims])
        assert features.tokens.shape == (2, count, encoder.width)
    else:
        assert features.tokens is None


@each_encoder
def test_values_are_finite_and_of_full_precision(name: str, dims: int) -> None:
    encoder = _encoder(name, dims)
    with torch.no_grad():
        features = encoder(_images(dims))
    for part in (*features.maps, features.embedding):
        assert part.dtype == torch.float32
        assert part.isfinite().all()
        assert float(part.std()) > 0
    if features.tokens is not None:
        last = features.maps[-1].flatten(2).transpose(1, 2)
        assert torch.equal(features.tokens, last)  # tokens and map have one order


@each_encoder
def test_in_evaluation_an_image_gets_the_same_answer_in_any_company(name: str, dims: int) -> None:
    encoder, images = _encoder(name, dims), _images(dims)
    with torch.no_grad():
        first, again = encoder(images).embedding, encoder(images).embedding
        alone = encoder(images[1:]).embedding
    assert torch.equal(first, again)
    torch.testing.assert_close(alone, first[1:], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first[0], first[1])


@each_encoder
def test_a_saved_encoder_comes_back_bit_for_bit(name: str, dims: int, tmp_path: Path) -> None:
    encoder = _encoder(name, dims)
    card = EncoderCard.of(
        encoder,
        modality="mri",
        unit_range=(0.0, 1.0),
        mean=(0.5,),
        std=(0.25,),
        anlage_version="0",
        created="2026-01-01T00:00:00+00:00",
    )
    save_encoder(tmp_path / "encoder", encoder, card)
    torch.manual_seed(7)  # other random weights than it had
    found, _ = load_encoder(tmp_path / "encoder", dims=dims, channels=1)
    assert found.state_dict().keys() == encoder.state_dict().keys()
    for key, value in encoder.state_dict().items():
        assert torch.equal(found.state_dict()[key], value), key
    with torch.no_grad():
        before, after = encoder(_images(dims)), found.eval()(_images(dims))
    for part, same in zip(before.maps, after.maps, strict=True):
        assert torch.equal(part, same)
    assert torch.equal(before.embedding, after.embedding)
    assert not any(path.suffix in {".pt", ".pth", ".pkl"} for path in tmp_path.rglob("*"))


@each_encoder
def test_its_settings_build_it_again(name: str, dims: int) -> None:
    with torch.device("meta"):
        first = build_encoder(name, dims=dims, channels=1, image_size=_SIZES[dims])
        again = build_encoder(
            name,
            dims=dims,
            channels=1,
            image_size=_SIZES[dims],
            options=first.config.model_dump(mode="json"),
        )
    assert again.config == first.config
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (first, again)]
    assert shapes[0] == shapes[1]


@each_encoder
def test_images_of_the_other_dimension_or_colour_are_refused(name: str, dims: int) -> None:
    encoder = _encoder(name, dims)
    space = {2: "H, W", 3: "X, Y, Z"}[dims]
    with pytest.raises(ShapeError, match=rf"takes images of shape \(B, 1, {space}\), got"):
        encoder(_images(5 - dims))
    with pytest.raises(ShapeError, match=rf"{name} takes images of shape \(B, 1,"):
        encoder(_images(dims).repeat(1, 3, *[1] * dims))


@each_encoder
def test_a_misspelt_option_is_refused_with_the_nearest(name: str, dims: int) -> None:
    option = next(iter(plugins.load("encoders", name).Config.model_fields))
    with pytest.raises(ConfigError, match=f"no setting '{option}s'.*Did you mean '{option}'"):
        build_encoder(
            name, dims=dims, channels=1, image_size=_SIZES[dims], options={f"{option}s": 1}
        )


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=f"no encoder 'resnet19'.*'resnet1.'.*{', '.join(NAMES)}"):
        build_encoder("resnet19", dims=2, channels=1, image_size=(32, 32))
