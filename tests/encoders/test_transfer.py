"""Transfer of weights: the report is complete, and the network really changes."""

import pytest
import torch
from torch import nn

from anlage.encoders import build_encoder, transfer
from anlage.errors import DataError


def _net(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def _output(net: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return net(torch.ones(1, 4))


def test_a_full_transfer_changes_the_forward_to_the_sources() -> None:
    source, net = _net(0), _net(1)
    assert not torch.allclose(_output(source), _output(net))
    report = transfer(source.state_dict(), net)
    assert torch.equal(_output(source), _output(net))
    assert report.loaded == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert report.coverage == 1.0


def test_a_renamed_tensor_is_reported_on_both_sides() -> None:
    weights = _net(0).state_dict()
    weights["2.wieght"] = weights.pop("2.weight")
    names = set(weights)
    net = _net(1)
    kept = net[2].weight.clone()
    report = transfer(weights, net)
    assert report.missing == ("2.weight",)
    assert report.unexpected == ("2.wieght",)
    assert report.coverage == (32 + 8 + 2) / (32 + 8 + 16 + 2)
    assert torch.equal(net[2].weight, kept)
    assert torch.equal(net[0].weight, weights["0.weight"])
    assert set(weights) == names


def test_another_shape_is_reported_and_not_loaded() -> None:
    weights = {**_net(0).state_dict(), "2.weight": torch.zeros(3, 8), "2.bias": torch.zeros(3)}
    net = _net(1)
    report = transfer(weights, net)
    assert report.mismatched == ("2.weight", "2.bias")
    assert report.missing == report.unexpected == ()
    assert torch.equal(net[0].weight, weights["0.weight"])


def test_too_little_coverage_is_refused_and_nothing_loaded() -> None:
    weights = _net(0).state_dict()
    weights["2.wieght"] = weights.pop("2.weight")
    net = _net(1)
    before = _output(net)
    match = r"weights of x must cover at least 95%.*72\.4%.*Missing: 2\.weight\. .*Unknown: 2\.wieg"
    with pytest.raises(DataError, match=match):
        transfer(weights, net, least=0.95, what="weights of x")
    assert torch.equal(_output(net), before)


def test_a_long_list_of_names_is_cut() -> None:
    weights = {f"layer{number}": torch.zeros(1) for number in range(15)}
    with pytest.raises(DataError, match=r"Unknown: layer0, .*layer9 and 5 more\."):
        transfer(weights, _net(0), least=0.5)


def test_position_embeddings_move_to_another_grid() -> None:
    def build(size: tuple[int, ...]) -> nn.Module:
        return build_encoder("vit_tiny", dims=2, channels=1, image_size=size).eval()

    source, turned, same = build((16, 32)), build((32, 16)), build((16, 32))
    report = transfer(source.state_dict(), turned)  # as many tokens, another grid
    assert report.resized == ("body.pos_embed: 2x4 -> 4x2",)
    assert report.coverage == 1.0
    assert report.missing == report.unexpected == report.mismatched == ()
    assert turned.pos_grid.tolist() == [4, 2]
    images = torch.rand(1, 1, 32, 16)
    with torch.no_grad():  # resized once on loading, or on the fly: the same thing
        torch.testing.assert_close(turned(images).embedding, source(images).embedding)
        assert transfer(source.state_dict(), same).resized == ()
        assert torch.equal(same(images).embedding, source(images).embedding)


def test_an_unlike_transformer_is_a_mismatch_not_a_crash() -> None:
    small = build_encoder("vit_tiny", dims=2, channels=1, image_size=(16, 16))
    cube = build_encoder("vit_tiny", dims=3, channels=1, image_size=(16, 16, 16))
    report = transfer(small.state_dict(), cube)
    assert {"body.pos_embed", "pos_grid", "body.patch_embed.proj.weight"} <= set(report.mismatched)
    assert report.resized == ()
