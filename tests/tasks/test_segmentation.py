"""Segmentation: the loss against MONAI, empty masks, priors, and records of metrics."""

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss
from torch.nn import functional as F

from anlage.encoders import UNetDecoder, build_encoder
from anlage.errors import ConfigError
from anlage.plugins import load
from anlage.tasks.segmentation import Segmentation, soft_dice_loss


def square(low, high, edge=12, value=1, dims=2):
    mask = np.zeros((edge,) * dims, np.uint8)
    mask[(slice(low, high),) * dims] = value
    return mask


def made(store, classes=None, **options):
    return Segmentation(store, config=Segmentation.Config(**options), classes=classes)


def one_hot(labels, outputs):
    return np.stack([labels == k for k in range(outputs)]).astype(np.float32)


@pytest.fixture(params=[2, 3])
def case(request):
    """Logits and classes of two images with three outputs."""
    torch.manual_seed(0)
    space = (9, 8, 7)[: request.param]
    return torch.randn(2, 3, *space), torch.randint(0, 3, (2, *space))


# ---------------------------------------------------------------- loss


def test_soft_dice_is_monais(case):
    logits, target = case
    reference = DiceLoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=True,
        smooth_nr=1.0,
        smooth_dr=1.0,
    )
    torch.testing.assert_close(soft_dice_loss(logits, target), reference(logits, target[:, None]))


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.5, 2.0), (0.0, 1.0), (1.0, 0.0)])
def test_dice_plus_cross_entropy_is_monais(targets, case, weights):
    logits, target = case
    space = tuple(target.shape[1:])
    mask = np.zeros(space, np.uint8)
    mask.flat[:2] = (1, 2)
    store = targets(masks=[mask], spacing=(1.0,) * len(space))
    task = made(store, dice=weights[0], cross_entropy=weights[1])
    reference = DiceCELoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=True,
        smooth_nr=1.0,
        smooth_dr=1.0,
        lambda_dice=weights[0],
        lambda_ce=weights[1],
    )
    found = task.loss(logits, torch.tensor([0, 0]), target).loss
    torch.testing.assert_close(found, reference(logits, target[:, None]))


def test_empty_masks_give_a_finite_loss_that_falls_with_false_positives():
    target = torch.zeros(2, 8, 8, dtype=torch.long)
    clean, noisy = torch.zeros(2, 2, 8, 8), torch.zeros(2, 2, 8, 8)
    clean[:, 0], noisy[:, 1] = 20.0, 20.0
    noisy.requires_grad_()
    assert soft_dice_loss(clean, target).item() == pytest.approx(0, abs=1e-4)
    loss = soft_dice_loss(noisy, target)
    loss.backward()
    assert loss.item() > 0.99
    assert torch.isfinite(noisy.grad).all()


def test_a_perfect_answer_costs_nothing():
    target = torch.randint(0, 3, (2, 6, 6))
    logits = 50.0 * F.one_hot(target, 3).movedim(-1, 1)
    assert soft_dice_loss(logits, target).item() == pytest.approx(0, abs=1e-5)


def test_a_swap_of_structures_is_seen():
    target = torch.zeros(1, 6, 6, dtype=torch.long)
    target[0, :2], target[0, 2:4] = 1, 2
    right = 50.0 * F.one_hot(target, 3).movedim(-1, 1)
    assert soft_dice_loss(right[:, [0, 2, 1]], target).item() > 0.9


# ---------------------------------------------------------------- structures


def test_structures_are_the_numbers_that_occur_in_rising_order(targets):
    mask = square(1, 4, value=7)
    mask[8:10, 8:10] = 2
    task = made(targets(masks=[mask, None, square(0, 0)]))
    assert task.classes == ("class 2", "class 7")
    assert task.outputs == 3
    assert task.is_labelled.tolist() == [True, False, True]
    assert task.strata.tolist() == [1, -1, 0]


def test_numbers_with_gaps_reach_the_loss_as_classes(targets):
    task = made(targets(masks=[square(1, 4, value=7) + square(8, 10, value=2)]))
    maps = torch.tensor([[[0, 2, 7]]])
    assert task._target(maps).tolist() == [[[0, 1, 2]]]


def test_merged_structures_are_one(targets):
    task = made(targets(masks=[square(1, 4, value=7) + square(8, 10, value=2)]), is_merged=True)
    assert task.classes == ("structure",)
    assert task._target(torch.tensor([0, 2, 7])).tolist() == [0, 1, 1]


def test_a_trained_models_structures_keep_their_place(targets):
    task = made(targets(masks=[square(1, 4, value=5)]), classes=("class 2", "class 5"))
    assert task._target(torch.tensor([0, 5])).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ([None, None], "needs label maps, this store has none"),
        ([square(0, 0)], "at least one structure, all of these are empty"),
        ([np.arange(400, dtype=np.uint16).reshape(20, 20)], "up to 255 structures, .* hold 399"),
    ],
)
def test_masks_that_cannot_be_are_refused(targets, masks, words):
    with pytest.raises(ConfigError, match=words):
        made(targets(masks=masks))


def test_a_structure_that_a_model_does_not_know_is_refused(targets):
    with pytest.raises(ConfigError, match=r"model knows \(class 1\), got the numbers \[3\]"):
        made(targets(masks=[square(1, 4, value=3)]), classes=("class 1",))


def test_a_label_column_is_refused(targets):
    with pytest.raises(ConfigError, match="targets from label maps, got --label kind"):
        Segmentation(targets(masks=[square(1, 4)]), labels=("kind",))


# ---------------------------------------------------------------- answers


def test_the_prior_is_the_mean_training_mask(targets):
    task = made(targets(masks=[square(0, 6), square(3, 9), square(0, 12)]))
    answer = task.prior(np.array([0, 1]))(2)
    expected = (square(0, 6).astype(float) + square(3, 9)) / 2
    np.testing.assert_allclose(answer[1], expected)
    np.testing.assert_allclose(answer.sum(axis=0), 1)


def test_the_prior_lays_images_of_other_sizes_centre_on_centre(targets):
    small, large = np.ones((4, 4), np.uint8), np.zeros((8, 8), np.uint8)
    answer = made(targets(masks=[small, large])).prior(np.array([0]))
    np.testing.assert_array_equal(answer(0)[1], np.ones((4, 4)))
    np.testing.assert_array_equal(np.argwhere(answer(1)[1] > 0).min(axis=0), [2, 2])
    np.testing.assert_array_equal(np.argwhere(answer(1)[1] > 0).max(axis=0), [5, 5])


def test_a_perfect_answer_has_perfect_metrics(targets, records):
    mask = square(2, 7)
    task = made(targets(masks=[mask]))
    found = task.metrics(records(task, [0], lambda _row: one_hot(mask, 2)))
    values = {name: statistic.value().value for name, statistic in found.items()}
    assert values == {"dice": 1.0, "nsd": 1.0, "hd95_mm": 0.0, "volume_error": 0.0}
    assert next(iter(found)) == task.headline == "dice"


def test_dice_of_a_record_is_counted_by_hand(targets):
    truth, guess = square(0, 4), square(2, 6)
    record = made(targets(masks=[truth])).record(0, one_hot(guess, 2))
    assert record["dice:1"] == pytest.approx(2 * 4 / (16 + 16))
    assert record["size:1"] == 16


def test_distances_are_in_millimetres_of_the_image(targets):
    truth, guess = square(0, 4), square(2, 6)
    for spacing in ((1.0, 1.0), (3.0, 0.5)):
        task = made(targets(masks=[truth], spacing=spacing))
        expected = load("metrics", "hd95_mm")(truth > 0, guess > 0, spacing_mm=spacing)
        assert task.record(0, one_hot(guess, 2))["hd95_mm:1"] == pytest.approx(expected)


def test_empty_truth_scores_one_if_nothing_is_found_and_zero_if_something_is(targets):
    task = made(targets(masks=[square(0, 0), square(1, 4)]))
    nothing, something = one_hot(square(0, 0), 2), one_hot(square(1, 3), 2)
    assert task.record(0, nothing)["dice:1"] == 1.0
    assert task.record(0, something)["dice:1"] == 0.0
    assert task.record(0, something)["hd95_mm:1"] > task.record(0, nothing)["hd95_mm:1"] == 0.0


@pytest.mark.parametrize("output", [None, np.full((2, 12, 12), np.nan, np.float32)])
def test_a_failed_case_gets_the_worst_values_even_without_a_structure(targets, output):
    task = made(targets(masks=[square(1, 4), square(0, 0)]))
    for row in (0, 1):
        record = task.record(row, output)
        assert record["failed"] == 1.0
        assert record["dice:1"] == 0.0
        assert record["hd95_mm:1"] == pytest.approx(np.hypot(12, 12), rel=0.2)


def test_metrics_average_cases_then_structures(targets, records):
    both = square(0, 4) + square(6, 10, value=2)
    task = made(targets(masks=[both, both]))
    half = one_hot(square(0, 4), 3)
    found = task.metrics(records(task, [0, 1], lambda row: one_hot(both, 3) if row else half))
    assert found["dice"].value().value == pytest.approx(np.mean([1.0, 1.0, 0.0, 1.0]))


def test_badness_sorts_by_dice(targets, records):
    task = made(targets(masks=[square(0, 4), square(0, 4)]))
    table = records(task, [0, 1], lambda row: one_hot(square(0, 4 - 2 * row), 2))
    assert task.badness(table)[0] == 0.0 < task.badness(table)[1]


def test_the_tolerance_is_twice_the_median_edge_unless_given(targets):
    store = targets(masks=[square(1, 4)], spacing=(0.5, 0.5))
    assert made(store).config.tolerance_mm == 1.0
    assert made(store, tolerance_mm=3.0).config.tolerance_mm == 3.0


def test_a_wider_tolerance_raises_the_surface_score(targets):
    store, guess = targets(masks=[square(2, 7)]), one_hot(square(4, 9), 2)
    narrow, wide = (made(store, tolerance_mm=mm).record(0, guess)["nsd:1"] for mm in (0.5, 5.0))
    assert narrow < wide


def test_captions_say_dice_and_size(targets):
    task = made(targets(masks=[square(0, 4)]))
    assert task.caption(0, one_hot(square(0, 4), 2)) == "Dice 1.00, 16 px"


def test_sides_forbid_the_mirror_only_if_told_apart(targets):
    store = targets(masks=[square(0, 4)])
    assert made(store).profile.label_changing == {}
    assert "flip_lr" in made(store, has_side=True).profile.label_changing


@pytest.mark.parametrize("dims", [2, 3])
def test_the_network_answers_on_the_images_grid(targets, dims):
    encoder = build_encoder("resnet10", dims=dims, channels=1, image_size=(32,) * dims)
    task = made(targets(masks=[square(2, 9, 32, dims=dims)], spacing=(1.0,) * dims), width_cap=16)
    network = task.network(encoder).eval()
    assert network(torch.randn(1, 1, *(32,) * dims)).shape == (1, 2, *(32,) * dims)
    assert isinstance(network.head, UNetDecoder)
    assert network.head.width_cap == 16


def test_a_given_decoder_is_used(targets):
    encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 32))
    decoder = UNetDecoder(encoder, out_channels=2, width_cap=16)
    assert made(targets(masks=[square(2, 9)])).network(encoder, decoder).head is decoder


def test_images_too_small_to_decode_are_refused(targets):
    encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(16, 16))
    with pytest.raises(ConfigError, match=r"edge above 16 pixels, got \(16, 16\)"):
        made(targets(masks=[square(2, 9)])).network(encoder)
