"""Convolutional encoders against the libraries they stand on."""

import pytest
import timm
import torch
from monai.networks.nets.resnet import ResNet
from monai.networks.nets.segresnet_ds import SegResEncoder

from anlage.encoders import build_encoder
from anlage.errors import ConfigError, ShapeError


@pytest.mark.parametrize(
    ("name", "options", "block", "layers", "planes"),
    [
        ("resnet10", {"base_width": 8}, "basic", [1, 1, 1, 1], [8, 16, 32, 64]),
        ("resnet18", {}, "basic", [2, 2, 2, 2], [64, 128, 256, 512]),
        ("resnet50", {}, "bottleneck", [3, 4, 6, 3], [64, 128, 256, 512]),
    ],
)
def test_three_dimensions_equal_monai(
    name: str, options: dict, block: str, layers: list[int], planes: list[int]
) -> None:
    encoder = build_encoder(
        name, dims=3, channels=2, image_size=(32,) * 3, options={"norm": "batch", **options}
    ).eval()
    with torch.device("meta"):
        reference = ResNet(
            block,
            layers,
            planes,
            n_input_channels=2,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        ).eval()
    reference.load_state_dict(encoder.body.state_dict(), assign=True)
    images = torch.rand(1, 2, 17, 20, 33)
    with torch.no_grad():
        features = encoder(images)
        torch.testing.assert_close(features.embedding, reference(images))
        stem = reference.act(reference.bn1(reference.conv1(images)))
        torch.testing.assert_close(features.maps[0], stem)
        first = reference.layer1(reference.maxpool(stem))
        torch.testing.assert_close(features.maps[1], first)
        torch.testing.assert_close(features.maps[3], reference.layer3(reference.layer2(first)))


@pytest.mark.parametrize(
    ("name", "twin"),
    [("resnet10", "resnet10t"), ("resnet18", "resnet18"), ("resnet50", "resnet50")],
)
def test_two_dimensions_equal_timm(name: str, twin: str) -> None:
    encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 32)).eval()
    reference = timm.create_model(twin, in_chans=1, num_classes=0).eval()
    reference.load_state_dict(encoder.body.state_dict())
    images = torch.rand(2, 1, 50, 37)
    with torch.no_grad():
        features = encoder(images)
        torch.testing.assert_close(features.embedding, reference(images))
        parts = reference.forward_intermediates(images, intermediates_only=True)
    for part, expected in zip(features.maps, parts, strict=True):
        torch.testing.assert_close(part, expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_resnet10_takes_its_width_from_the_config(dims: int) -> None:
    for base in (8, 24):
        with torch.device("meta"):
            encoder = build_encoder(
                "resnet10",
                dims=dims,
                channels=1,
                image_size=(32,) * dims,
                options={"base_width": base, "norm": "group"},
            )
            maps = encoder(torch.empty(1, 1, *(32,) * dims)).maps
        assert encoder.widths == (base, base, 2 * base, 4 * base, 8 * base)
        assert [part.shape[1] for part in maps] == list(encoder.widths)
    with pytest.raises(ConfigError, match=r"base_width.*multiple of 8"):
        build_encoder(
            "resnet10", dims=dims, channels=1, image_size=(32,) * dims, options={"base_width": 12}
        )


@pytest.mark.parametrize("dims", [2, 3])
def test_resenc_is_monais_with_the_asked_shape(dims: int) -> None:
    encoder = build_encoder(
        "resenc",
        dims=dims,
        channels=2,
        image_size=(32,) * dims,
        options={"init_filters": 4, "blocks_down": (1, 1, 3), "norm": "batch"},
    )
    assert encoder.widths == (4, 8, 16)
    assert encoder.strides == (1, 2, 4)
    reference = SegResEncoder(dims, 4, 2, norm="batch", blocks_down=(1, 1, 3))
    reference.load_state_dict(encoder.body.state_dict())
    images = torch.rand(2, 2, *(9, 12, 7)[:dims])
    for part, expected in zip(encoder(images).maps, reference(images), strict=True):
        torch.testing.assert_close(part, expected)


def test_resenc_instance_norm_ignores_the_rest_of_the_batch() -> None:
    encoder = build_encoder("resenc", dims=2, channels=1, image_size=(32, 32)).train()
    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(encoder(images).embedding[:1], encoder(images[:1]).embedding)


def test_a_batch_too_small_for_its_norm_is_named() -> None:
    one = torch.rand(1, 1, 32, 32)
    batch = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 32))
    with pytest.raises(ShapeError, match=r"batch normalisation needs.*stride 32.*\(1, 1, 32, 32\)"):
        batch.train()(one)
    assert batch.train()(torch.rand(1, 1, 33, 32)).embedding.isfinite().all()
    assert batch.eval()(one).embedding.isfinite().all()
    group = build_encoder(
        "resnet10", dims=2, channels=1, image_size=(32, 32), options={"norm": "group"}
    )
    assert group.train()(one).embedding.isfinite().all()
    instance = build_encoder("resenc", dims=2, channels=1, image_size=(32, 32))
    with pytest.raises(ShapeError, match=r"instance normalisation needs.*stride 8"):
        instance.train()(torch.rand(2, 1, 8, 8))


@pytest.mark.parametrize("name", ["resnet10", "resenc"])
def test_a_constant_image_stays_finite(name: str) -> None:
    encoder = build_encoder(name, dims=3, channels=1, image_size=(16,) * 3).train()
    assert encoder(torch.zeros(2, 1, 16, 16, 16)).embedding.isfinite().all()
