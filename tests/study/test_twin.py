"""The random twin of a frozen encoder: every branch is on, its statistics are the images'."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from anlage.data.store import Store
from anlage.study._twin import calibrate
from anlage.train.feed import read_crops
from anlage.train.start import load_start
from anlage.transforms.views import ViewPlan, one_view

CPU = torch.device("cpu")


@pytest.fixture
def fresh(slices_store):
    """Make an encoder with random weights, and the training rows of its store."""

    def make(encoder="resnet10", **options):
        store = Store.open(slices_store)
        rows = store.split()["train"]
        start = load_start(
            "scratch", store, rows, encoder=encoder, encoder_options=options, image_size=[32]
        )
        return start, store, rows

    return make


def zero_norms(encoder):
    return [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d) and not m.weight.any()]


def test_no_branch_is_switched_off(fresh):
    start, store, rows = fresh()
    assert zero_norms(start.encoder)
    calibrate(start, store, rows, device=CPU)
    assert not zero_norms(start.encoder)


def test_running_statistics_are_those_of_the_images(fresh):
    start, store, rows = fresh()
    first = next(m for m in start.encoder.modules() if isinstance(m, nn.BatchNorm2d))
    seen = []
    handle = first.register_forward_hook(lambda _module, given, _out: seen.append(given[0]))
    calibrate(start, store, rows, device=CPU)
    handle.remove()
    assert sum(map(len, seen)) == len(rows)
    expected = np.mean([maps.numpy().mean(axis=(0, 2, 3)) for maps in seen], axis=0)
    np.testing.assert_allclose(first.running_mean.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert not first.training
    assert first.momentum == 0.1


def test_its_maps_have_about_unit_variance(fresh):
    start, store, rows = fresh()
    calibrate(start, store, rows, device=CPU)
    norms = [m for m in start.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    spread = []
    for norm in norms:
        norm.register_forward_hook(lambda _module, _given, out: spread.append(out.std().item()))
    crops = read_crops(store, rows, region=store.shape(0)[1:])
    plan = ViewPlan(size=start.image_size, intensities=start.intensities)
    start.encoder(one_view(crops, plan, draws=None)[0])
    np.testing.assert_allclose(spread, 1, atol=0.1)


def test_it_is_the_same_every_time(fresh):
    found = []
    for _ in range(2):
        start, store, rows = fresh()
        calibrate(start, store, rows, device=CPU)
        found.append(start.encoder.state_dict())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


@pytest.mark.parametrize("encoder", ["resnet10", "vit_tiny"])
def test_without_batch_norm_only_zeros_are_filled(fresh, encoder):
    options = {"norm": "group"} if encoder == "resnet10" else {}
    start, store, rows = fresh(encoder, **options)
    before = copy.deepcopy(start.encoder.state_dict())
    calibrate(start, store, rows, device=CPU)
    for name, value in start.encoder.state_dict().items():
        is_filled = name.endswith("weight") and value.ndim == 1 and not before[name].any()
        assert torch.equal(value, torch.ones_like(value) if is_filled else before[name])


def test_a_single_image_measures_nothing_and_does_not_fail(fresh):
    start, store, rows = fresh()
    calibrate(start, store, rows[:1], device=CPU)
    first = next(m for m in start.encoder.modules() if isinstance(m, nn.BatchNorm2d))
    assert not first.running_mean.any()
    assert not zero_norms(start.encoder)
