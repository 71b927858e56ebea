"""Public weights from a local file, checked against timm itself; nothing is downloaded."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from anlage.encoders import build_encoder, load_imagenet
from anlage.errors import ConfigError, DataError

TWINS = {
    "resnet10": "resnet10t",
    "resnet18": "resnet18",
    "vit_tiny": "vit_tiny_patch16_224",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder, and a Hugging Face cache that is empty."""
    monkeypatch.setenv("ANLAGE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def _fake(twin: str, path: Path, **options: object) -> nn.Module:
    """Store a random timm model as if it were the public one, and return it."""
    torch.manual_seed(11)
    model = timm.create_model(twin, **options).eval()
    with torch.no_grad():
        for part in model.state_dict().values():
            if part.is_floating_point():
                part.add_(0.02 * torch.rand_like(part))
    save_file(model.state_dict(), path)
    return model


@pytest.mark.parametrize("name", TWINS)
def test_three_channels_equal_timm(folder: Path, name: str) -> None:
    options = {"img_size": 64} if name.startswith("vit") else {}
    model = _fake(TWINS[name], folder / f"{name}.safetensors", **options)
    patch = {"patch": 16} if name.startswith("vit") else {}
    encoder = build_encoder(name, dims=2, channels=3, image_size=(64, 64), options=patch).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        before = encoder(images).embedding
        report = load_imagenet(encoder)
        features = encoder(images)
        expected = model.forward_features(images)
        assert not torch.allclose(features.embedding, before, atol=1e-3)
        if name.startswith("vit"):
            torch.testing.assert_close(features.tokens, expected[:, 1:])
        else:
            torch.testing.assert_close(features.maps[-1], expected)
    classifier = "head" if name.startswith("vit") else "fc"
    assert set(report.unexpected) == {f"body.{classifier}.weight", f"body.{classifier}.bias"}
    assert report.missing == report.mismatched == ()
    assert report.coverage == 1.0


@pytest.mark.parametrize("name", TWINS)
def test_one_channel_equals_grey(folder: Path, name: str) -> None:
    options = {"img_size": 64} if name.startswith("vit") else {}
    model = _fake(TWINS[name], folder / f"{name}.safetensors", **options)
    patch = {"patch": 16} if name.startswith("vit") else {}
    encoder = build_encoder(name, dims=2, channels=1, image_size=(64, 64), options=patch).eval()
    load_imagenet(encoder)
    grey = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        features = encoder(grey)
        expected = model.forward_features(grey.expand(-1, 3, -1, -1))
    found = features.maps[-1] if features.tokens is None else features.tokens
    expected = expected if features.tokens is None else expected[:, 1:]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_repeat_the_filters_and_keep_their_scale(
    folder: Path, channels: int
) -> None:
    model = _fake("resnet18", folder / "resnet18.safetensors")
    encoder = build_encoder("resnet18", dims=2, channels=channels, image_size=(64, 64))
    load_imagenet(encoder)
    filters, original = encoder.body.conv1.weight, model.conv1.weight
    for channel in range(channels):
        expected = original[:, channel % 3] * 3 / channels
        torch.testing.assert_close(filters[:, channel], expected)


def test_other_patches_and_grids_are_resampled_as_timm_does_it(folder: Path) -> None:
    _fake("vit_tiny_patch16_224", folder / "vit_tiny.safetensors")
    reference = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=(48, 64),
        patch_size=8,
        in_chans=1,
        num_classes=0,
        pretrained=True,
        pretrained_cfg_overlay={
            "source": "file",
            "file": str(folder / "vit_tiny.safetensors"),
            "custom_load": False,
        },
    )
    encoder = build_encoder("vit_tiny", dims=2, channels=1, image_size=(48, 64))
    report = load_imagenet(encoder)
    assert report.resized == ("body.pos_embed: 14x14 -> 6x8",)
    for key, part in reference.state_dict().items():
        torch.testing.assert_close(encoder.body.state_dict()[key], part)


def test_the_hugging_face_cache_is_read_without_network(folder: Path) -> None:
    snapshot = folder.parent / "hub" / "models--timm--resnet10t.c3_in1k"
    (snapshot / "snapshots" / "abc").mkdir(parents=True)
    (snapshot / "refs").mkdir()
    (snapshot / "refs" / "main").write_text("abc")
    model = _fake("resnet10t", snapshot / "snapshots" / "abc" / "model.safetensors")
    encoder = build_encoder("resnet10", dims=2, channels=3, image_size=(64, 64))
    load_imagenet(encoder)
    assert torch.equal(encoder.body.layer4[0].conv2.weight, model.layer4[0].conv2.weight)


def test_absent_weights_are_named_with_the_way_to_get_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(64, 64))
    match = (
        r"no ImageNet weights for resnet10 on this machine, and Anlage downloads "
        r"nothing\. Download model\.safetensors of timm/resnet10t\.c3_in1k .*ANLAGE_WEIGHTS"
    )
    with pytest.raises(ConfigError, match=match):
        load_imagenet(encoder)
    monkeypatch.delenv("ANLAGE_WEIGHTS")
    with pytest.raises(ConfigError, match=match):
        load_imagenet(encoder)
    for name, dims in (("resenc", 2), ("resnet10", 3)):
        other = build_encoder(name, dims=dims, channels=1, image_size=(32,) * dims)
        with pytest.raises(ConfigError, match=f"no ImageNet weights for {name} in {dims}D"):
            load_imagenet(other)


def test_weights_that_do_not_fit_are_refused_and_nothing_changes(folder: Path) -> None:
    _fake("resnet18", folder / "resnet10.safetensors")
    encoder = build_encoder("resnet10", dims=2, channels=3, image_size=(64, 64))
    before = {key: part.clone() for key, part in encoder.state_dict().items()}
    with pytest.raises(DataError, match=r"resnet10\.safetensors must be those of timm's resnet10t"):
        load_imagenet(encoder)
    assert all(torch.equal(part, before[key]) for key, part in encoder.state_dict().items())
    (folder / "resnet10.safetensors").write_bytes(b"not weights")
    with pytest.raises(DataError, match=r"in resnet10\.safetensors are not a well-formed"):
        load_imagenet(encoder)
    _fake("resnet10t", folder / "resnet10.safetensors")
    options = {"norm": "group"}
    grouped = build_encoder("resnet10", dims=2, channels=3, image_size=(64, 64), options=options)
    with pytest.raises(
        DataError,
        match=r"body\.bn1\.num_batches_tracked.*leave resnet10's options at their defaults",
    ):
        load_imagenet(grouped)
    narrow = build_encoder(
        "resnet10", dims=2, channels=3, image_size=(64, 64), options={"base_width": 32}
    )
    with pytest.raises(DataError, match=r"must cover at least 99%.*Other shape: body"):
        load_imagenet(narrow)
