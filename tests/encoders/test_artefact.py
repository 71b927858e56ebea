"""The artefact: written whole, read back exactly, and refused in words when it is not right."""

import hashlib
import json
import math
import os
from pathlib import Path

import pytest
import torch

from anlage.encoders import (
    Encoder,
    EncoderCard,
    PretrainedOn,
    UNetDecoder,
    build_encoder,
    load_decoder,
    load_encoder,
    load_weights,
    read_card,
    save_encoder,
)
from anlage.encoders._tensor_file import write_tensors
from anlage.errors import ConfigError, DataError


def _encoder(name: str = "resenc", *, dims: int = 2, edge: int = 32, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    options = {"init_filters": 4, "blocks_down": (1, 1, 1)} if name == "resenc" else {}
    return build_encoder(name, dims=dims, channels=1, image_size=(edge,) * dims, options=options)


def _card(encoder: Encoder, **facts: object) -> EncoderCard:
    usual = {
        "modality": "cxr",
        "unit_range": (0, 255),
        "mean": [0.5] * encoder.channels,
        "std": [0.25] * encoder.channels,
        "method": "simclr",
        "method_config": {"temperature": 0.1},
        "pretrained_on": PretrainedOn(images=10, patients=5, split="main"),
        "steps": 7,
        "seed": 3,
        "anlage_version": "0.1.0",
        "created": "2026-11-20T12:00:00+00:00",
    }
    return EncoderCard.of(encoder, **{**usual, **facts})


def _embedding(encoder: Encoder, edge: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 1, *(edge,) * encoder.dims, generator=generator)
    with torch.no_grad():
        return encoder.eval()(images).embedding


@pytest.mark.parametrize(
    ("name", "dims"), [("resenc", 2), ("resenc", 3), ("resnet10", 3), ("vit_tiny", 3)]
)
def test_an_encoder_comes_back_exactly(tmp_path: Path, name: str, dims: int) -> None:
    encoder = _encoder(name, dims=dims)
    _embedding(encoder.train())
    saved = save_encoder(tmp_path / "run" / "enc", encoder, _card(encoder))
    torch.manual_seed(99)
    back, card = load_encoder(tmp_path / "run" / "enc", dims=dims, channels=1)
    assert torch.equal(_embedding(back), _embedding(encoder))
    assert card == saved == read_card(tmp_path / "run" / "enc")
    assert card.architecture == name
    assert card.options == encoder.config.model_dump(mode="json")
    assert card.image_size == (32,) * dims
    assert card.pretrained_on == PretrainedOn(images=10, patients=5, split="main")
    data = (tmp_path / "run" / "enc" / "encoder.safetensors").read_bytes()
    assert card.sha256 == hashlib.sha256(data).hexdigest()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["enc"]


def test_a_transformer_moves_to_another_image_size_and_keeps_its_patch(tmp_path: Path) -> None:
    encoder = _encoder("vit_tiny", edge=96)
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    back, _ = load_encoder(tmp_path / "enc", image_size=(128, 104))  # its default would be 16
    assert back.patch == 8
    assert back.image_size == (128, 104)
    assert back.pos_grid.tolist() == [16, 13]
    torch.testing.assert_close(_embedding(back, 96), _embedding(encoder, 96), rtol=0.1, atol=0.1)
    report = load_weights(tmp_path / "enc", back)
    assert report.resized == ("body.pos_embed: 12x12 -> 16x13",)
    assert report.coverage == 1.0


def test_another_kind_of_image_is_refused_with_both_values(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    with pytest.raises(ConfigError, match="enc was trained with dims=2, but dims=3 was asked for"):
        load_encoder(tmp_path / "enc", dims=3)
    with pytest.raises(ConfigError, match="with channels=1, but channels=4 was asked for"):
        load_encoder(tmp_path / "enc", channels=4)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    weights = tmp_path / "enc" / "encoder.safetensors"
    data = bytearray(weights.read_bytes())
    data[-9] ^= 4
    weights.write_bytes(data)
    with pytest.raises(DataError, match="weights of enc are damaged: the checksum differs"):
        load_encoder(tmp_path / "enc")
    weights.unlink()
    with pytest.raises(DataError, match=r"weights of enc must be in a readable file encoder\.saf"):
        load_encoder(tmp_path / "enc")


def _rewrite(folder: Path, change: dict) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **change}))


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    weights = encoder.state_dict()
    last = "body.layers.2.blocks.0.conv2.weight"
    weights["body.renamed"] = weights.pop(last)
    share = weights["body.renamed"].numel() / sum(part.numel() for part in weights.values())
    digest = write_tensors(tmp_path / "enc" / "encoder.safetensors", weights)
    _rewrite(tmp_path / "enc", {"sha256": digest})
    match = (
        rf"weights of enc must cover.*{1 - share:.1%}.*Missing: {last}\..*Unknown: body\.renamed"
    )
    with pytest.raises(DataError, match=match):
        load_encoder(tmp_path / "enc")
    other = _encoder(seed=5)
    before = _embedding(other)
    with pytest.raises(DataError, match="must cover at least 95%"):
        load_weights(tmp_path / "enc", other)
    assert torch.equal(_embedding(other), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "card of enc has format 2, this Anlage reads up to 1. Install"),
        ({"format_version": "1"}, "card of enc is damaged: format_version"),
        ({"surprise": 1}, "card of enc is damaged: surprise"),
        ({"std": [0.0]}, "std must be above 0"),
        ({"mean": [0.1, 0.2]}, "mean and std must have 1 values"),
        ({"image_size": [32]}, "image_size must have 2 edges"),
        ({"spacing_mm": [1.0, 1.0, 1.0]}, "spacing_mm must have 2 edges"),
        ({"spacing_mm": [1.0, 0.0]}, "card of enc is damaged: spacing_mm"),
        ({"sha256": "12"}, "card of enc is damaged: sha256"),
    ],
)
def test_a_wrong_card_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    _rewrite(tmp_path / "enc", change)
    with pytest.raises(DataError, match=message):
        load_encoder(tmp_path / "enc")


def test_spacing_is_kept_and_unknown_on_cards_that_lack_it(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder, spacing_mm=(0.5, 0.7)))
    assert read_card(tmp_path / "enc").spacing_mm == (0.5, 0.7)
    path = tmp_path / "enc" / "card.json"
    old = json.loads(path.read_text())
    del old["spacing_mm"]
    path.write_text(json.dumps(old))
    _, card = load_encoder(tmp_path / "enc")
    assert card.spacing_mm is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff"])
def test_a_card_that_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "enc").mkdir()
    (tmp_path / "enc" / "card.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="card of enc is damaged"):
        load_encoder(tmp_path / "enc")


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"folder with a card\.json of at most 1 MB, but x has none"
    ):
        load_encoder(tmp_path / "x")
    (tmp_path / "card.json").write_text(" " * 1_000_001)
    with pytest.raises(DataError, match="at most 1 MB"):
        read_card(tmp_path)


def test_a_card_without_checksum_does_not_switch_the_check_off(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    _rewrite(tmp_path / "enc", {"sha256": ""})
    with pytest.raises(DataError, match="checksum differs"):
        load_encoder(tmp_path / "enc")


def test_the_card_must_describe_the_encoder(tmp_path: Path) -> None:
    encoder = _encoder()
    for change in ({"image_size": (64, 64)}, {"architecture": "resnet10"}, {"options": {}}):
        card = _card(encoder).model_copy(update=change)
        (name,) = change
        with pytest.raises(ConfigError, match=f"the card must describe.*says {name} "):
            save_encoder(tmp_path / "enc", encoder, card)
    assert not (tmp_path / "enc").exists()
    with pytest.raises(ConfigError, match=r"encoder card.*mean and std must have 1 values"):
        _card(encoder, mean=(0.1, 0.2))


def test_an_older_artefact_is_replaced_and_foreign_files_are_not(tmp_path: Path) -> None:
    first, second = _encoder(seed=1), _encoder(seed=2)
    save_encoder(tmp_path / "enc", first, _card(first))
    save_encoder(tmp_path / "enc", second, _card(second))
    assert torch.equal(_embedding(load_encoder(tmp_path / "enc")[0]), _embedding(second))
    assert [path.name for path in tmp_path.iterdir()] == ["enc"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="folder of its own, but home holds other files"):
        save_encoder(tmp_path / "home", first, _card(first))
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("fails", ["write_text", "rename"])
def test_a_failed_write_leaves_the_old_artefact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    first, second = _encoder(seed=1), _encoder(seed=2)
    save_encoder(tmp_path / "enc", first, _card(first))
    original = getattr(Path, fails)

    def failing(path: Path, *args: object, **kwargs: object) -> object:
        if path.suffix == ".new" or path.parent.suffix == ".new":
            raise OSError(28, "No space left on device")
        return original(path, *args, **kwargs)

    monkeypatch.setattr(Path, fails, failing)
    with pytest.raises(DataError, match="could not be written to enc: No space left on device"):
        save_encoder(tmp_path / "enc", second, _card(second))
    monkeypatch.undo()
    assert torch.equal(_embedding(load_encoder(tmp_path / "enc")[0]), _embedding(first))
    assert [path.name for path in tmp_path.iterdir()] == ["enc"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads names from /proc")
def test_every_file_is_flushed_before_the_folder_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    original = os.fsync

    def recording(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        original(handle)

    monkeypatch.setattr(os, "fsync", recording)
    encoder = _encoder()
    decoder = UNetDecoder(encoder, out_channels=1)
    save_encoder(tmp_path / "enc", encoder, _card(encoder), decoder=decoder)
    draft = f".enc.{os.getpid()}.new"
    files = ["encoder.safetensors", "decoder.safetensors", "card.json"]
    assert flushed == [*files, draft, tmp_path.name]


def test_a_decoder_goes_with_it_and_its_head_may_differ(tmp_path: Path) -> None:
    encoder = _encoder()
    decoder = UNetDecoder(encoder, out_channels=1, width_cap=24).eval()
    save_encoder(tmp_path / "enc", encoder, _card(encoder), decoder=decoder)
    back, card = load_encoder(tmp_path / "enc")
    assert card.decoder is not None
    assert (card.decoder.out_channels, card.decoder.width_cap) == (1, 24)
    images = torch.rand(1, 1, 32, 32)
    same, report = load_decoder(tmp_path / "enc", back, out_channels=1)
    with torch.no_grad():
        features = back.eval()(images)
        assert torch.equal(same.eval()(images, features), decoder(images, features))
    assert report.coverage == 1.0
    other, report = load_decoder(tmp_path / "enc", back, out_channels=3)
    assert report.mismatched == ("head.weight", "head.bias")
    assert other.width_cap == 24
    for key, part in decoder.state_dict().items():
        if not key.startswith("head."):
            assert torch.equal(other.state_dict()[key], part)
    assert other(images, features).shape == (1, 3, 32, 32)


def test_a_decoder_of_another_encoder_is_refused(tmp_path: Path) -> None:
    encoder = _encoder()
    save_encoder(tmp_path / "bare", encoder, _card(encoder))
    with pytest.raises(ConfigError, match="encoder bare has no decoder"):
        load_decoder(tmp_path / "bare", encoder, out_channels=1)
    decoder = UNetDecoder(encoder, out_channels=1)
    save_encoder(tmp_path / "enc", encoder, _card(encoder), decoder=decoder)
    with pytest.raises(DataError, match="decoder weights of enc must cover at least 100%"):
        load_decoder(tmp_path / "enc", _encoder("resnet10"), out_channels=1)
    (tmp_path / "enc" / "decoder.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="decoder weights of enc are damaged"):
        load_decoder(tmp_path / "enc", encoder, out_channels=1)


def test_loading_leaves_the_other_random_numbers_where_building_would(tmp_path: Path) -> None:
    """A head drawn after loading starts like the head of an encoder trained from scratch."""
    encoder = _encoder()
    save_encoder(tmp_path / "enc", encoder, _card(encoder))
    torch.manual_seed(4)
    load_encoder(tmp_path / "enc")
    after_loading = torch.rand(3)
    _encoder(seed=4)
    assert torch.equal(torch.rand(3), after_loading)
    assert math.isfinite(float(after_loading.sum()))
