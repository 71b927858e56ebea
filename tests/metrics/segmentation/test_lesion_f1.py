import numpy as np
import pytest
from skimage.measure import label as components

from anlage.errors import ConfigError
from anlage.metrics.segmentation.lesion_f1 import lesion_f1_score


def three_lesions():
    mask = np.zeros((20, 20), bool)
    mask[1:4, 1:4] = mask[8:12, 8:12] = mask[16:19, 2:5] = True
    return mask


def test_counts_found_missed_and_invented_lesions():
    target, found = three_lesions(), three_lesions()
    found[16:19, 2:5] = False
    assert lesion_f1_score(target, found) == pytest.approx(2 * 2 / 5)
    found[1, 18] = found[18, 18] = True
    assert lesion_f1_score(target, found) == pytest.approx(2 * 2 / 7)


def test_one_blot_over_everything_finds_no_lesion():
    assert lesion_f1_score(three_lesions(), np.ones((20, 20), bool)) == 0.0


def test_fragments_and_bridges_match_once():
    target, found = np.zeros((2, 10, 20), bool)
    target[4:6, 2:18] = True
    found[4:6, 2:8] = found[4:6, 10:18] = True
    assert lesion_f1_score(target, found) == pytest.approx(2 / 3)
    assert lesion_f1_score(found, target) == pytest.approx(2 / 3)


def test_matching_finds_as_many_pairs_as_there_are():
    # The best overlap of the long lesion is the found one that the short lesion needs.
    target, found = np.zeros((2, 3, 40), bool)
    target[1, 0:10] = target[1, 12:20] = True
    found[1, 7:16] = found[1, 18:30] = True
    assert lesion_f1_score(target, found, min_iou=0.05) == 1.0


def test_least_overlap():
    target, found = np.zeros((2, 4, 40), bool)
    target[1, 0:20], found[1, 16:36] = True, True  # IoU 4 / 36
    assert lesion_f1_score(target, found) == 1.0
    assert lesion_f1_score(target, found, min_iou=0.12) == 0.0
    with pytest.raises(ConfigError, match="above 0 and at most 1, got 0"):
        lesion_f1_score(target, found, min_iou=0)


@pytest.mark.parametrize("shape", [(30, 30), (12, 12, 12)])
def test_lesions_that_touch_at_a_corner_are_one(rng, shape):
    target = rng.random(shape) < 0.03
    num_lesions = components(target, connectivity=target.ndim).max()
    none = np.zeros(shape, bool)
    none[np.unravel_index(np.argmax(target), shape)] = True
    first = components(target, connectivity=target.ndim) == 1
    assert lesion_f1_score(target, first) == pytest.approx(2 / (num_lesions + 1))
