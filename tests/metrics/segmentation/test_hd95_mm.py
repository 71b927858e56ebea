import itertools

import numpy as np
import pytest
import torch
from monai.metrics.utils import get_mask_edges, get_surface_distance
from scipy.spatial.distance import cdist

from anlage.errors import ConfigError
from anlage.metrics.segmentation._surfaces import surface_distances
from anlage.metrics.segmentation.hd95_mm import hd95_mm_error


def elements(mask, spacing):
    """Return corners and areas of a mask's surface, by visiting every block."""
    padded, corners, areas = np.pad(mask, 1), [], []
    dims = mask.ndim
    for corner in itertools.product(*[range(n - 1) for n in padded.shape]):
        block = padded[tuple(slice(c, c + 2) for c in corner)]
        if block.all() or not block.any():
            continue
        per_axis = []
        for axis in range(dims):
            faces = np.abs(np.diff(block.astype(int), axis=axis)).sum()
            face_area = np.prod([spacing[other] for other in range(dims) if other != axis])
            per_axis.append(faces * face_area / 2 ** (dims - 1))
        corners.append(np.array(corner) * spacing)
        areas.append(np.linalg.norm(per_axis))
    return np.array(corners), np.array(areas)


def directed_95(first, second):
    distance = cdist(first[0], second[0]).min(axis=1)
    order = np.argsort(distance)
    covered = np.cumsum(first[1][order]) / first[1].sum()
    return distance[order][np.argmax(covered >= 0.95 - 1e-9)]


@pytest.mark.parametrize(
    ("shape", "spacing"), [((14, 11), (0.5, 2.0)), ((9, 8, 7), (0.7, 1.0, 3.0))]
)
def test_equals_the_definition_block_by_block(rng, shape, spacing):
    for share in (0.03, 0.3, 0.8):
        target, found = rng.random(shape) < share, rng.random(shape) < share
        target[0, 0] = found[-1, -1] = True  # the surface runs along the image border
        both = elements(target, spacing), elements(found, spacing)
        expected = max(directed_95(*both), directed_95(*both[::-1]))
        assert hd95_mm_error(target, found, spacing_mm=spacing) == pytest.approx(expected)
        total = [one.area.sum() for one in surface_distances(target, found, spacing)]
        assert total == pytest.approx([areas.sum() for _, areas in both])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 1.0, 2.0), (3.0, 0.75, 0.75)])
def test_concentric_spheres(ball, spacing):
    shape = tuple(round(60 / edge) for edge in spacing)
    inner = ball(shape, spacing, 16, (30, 30, 30))
    outer = ball(shape, spacing, 24, (30, 30, 30))
    assert hd95_mm_error(inner, outer, spacing_mm=spacing) == pytest.approx(8, abs=max(spacing))
    there, _ = surface_distances(inner, outer, spacing)
    assert there.area.sum() == pytest.approx(4 * np.pi * 16**2, rel=0.15)


def test_moved_sphere_and_wrong_spacing(ball):
    spacing = (1.0, 1.0, 4.0)
    still = ball((40, 40, 16), spacing, 12, (20, 20, 30))
    moved = ball((40, 40, 16), spacing, 12, (20, 20, 38))  # 8 mm, two slices
    right = hd95_mm_error(still, moved, spacing_mm=spacing)
    assert right == pytest.approx(8, abs=1)
    assert hd95_mm_error(still, moved, spacing_mm=(1, 1, 1)) < 4


def test_box_has_its_true_area_at_any_spacing():
    box = np.zeros((12, 12, 12), bool)
    box[2:10, 2:10, 2:10] = True
    spacing = (0.5, 1.0, 3.0)
    one, _ = surface_distances(box, box, spacing)
    edges = 8 * np.array(spacing)
    true = 2 * (edges[0] * edges[1] + edges[1] * edges[2] + edges[0] * edges[2])
    assert one.area.sum() == pytest.approx(true, rel=0.12)  # edges are cut, faces are exact
    assert one.percentile_mm(95) == 0.0


def monai_95(target, found, spacing):
    """Weigh MONAI's surface distances by MONAI's areas."""
    masks = torch.tensor(found), torch.tensor(target)
    *edges, area_found, area_target = get_mask_edges(*masks, spacing=list(spacing))
    both = []
    for first, second, area in ((*edges, area_found), (*edges[::-1], area_target)):
        distance = np.asarray(get_surface_distance(first, second, spacing=spacing))
        order = np.argsort(distance)
        covered = np.cumsum(np.asarray(area[first])[order])
        both.append(distance[order][np.searchsorted(covered, 0.95 * covered[-1])])
    return max(both)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.5), (1.0, 2.0)])
def test_close_to_monai_with_subvoxels(rng, spacing):
    size = (24,) * len(spacing)
    gaps = []
    for _ in range(4):
        noise = rng.normal(size=(2, *size))
        for axis in range(1, len(size) + 1):
            noise = sum(np.roll(noise, step, axis) for step in range(-2, 3))
        target, found = noise > 1.0 * noise.std()
        reference = monai_95(target, found, spacing)
        gaps.append(hd95_mm_error(target, found, spacing_mm=spacing) - reference)
    assert np.abs(gaps).max() < max(spacing) / 2
    assert abs(np.mean(gaps)) < max(spacing) / 10


def test_missed_structure_is_worse_than_any_other(ball, rng):
    spacing = (1.0, 1.0, 2.0)
    target = ball((30, 30, 15), spacing, 6, (10, 10, 10))
    missed = hd95_mm_error(target, np.zeros_like(target), spacing_mm=spacing)
    assert missed == pytest.approx(np.sqrt(30**2 + 30**2 + 30**2))
    far = np.zeros_like(target)
    far[-1, -1, -1] = True
    for found in (far, ~target, rng.random(target.shape) < 0.5):
        assert hd95_mm_error(target, found, spacing_mm=spacing) < missed


def test_losing_one_of_two_structures_is_never_better(ball):
    spacing = (1.0, 1.0, 1.0)
    large = ball((48, 32, 24), spacing, 8, (12, 12, 12))
    previous = 0.0
    for radius in (2, 4, 8):
        small = ball((48, 32, 24), spacing, radius, (38, 20, 12))
        target = large | small
        found = np.roll(target, 1, axis=1)
        lost = np.roll(large, 1, axis=1)
        kept_error = hd95_mm_error(target, found, spacing_mm=spacing)
        lost_error = hd95_mm_error(target, lost, spacing_mm=spacing)
        assert lost_error >= max(kept_error, previous)
        previous = lost_error
    assert previous > 10


def test_cropping_changes_nothing(rng):
    target, found = np.zeros((2, 20, 20), bool)
    target[4:9, 5:8], found[5:10, 5:9] = True, True
    whole = hd95_mm_error(target, found, spacing_mm=(1, 2))
    assert hd95_mm_error(target[4:10, 5:9], found[4:10, 5:9], spacing_mm=(1, 2)) == whole


def test_spacing_is_mandatory_and_checked():
    mask = np.ones((4, 4), bool)
    with pytest.raises(TypeError, match="spacing_mm"):
        hd95_mm_error(mask, mask)
    for spacing in ((1.0,), (1.0, 0.0), (1.0, np.nan), (1.0, 1.0, 1.0)):
        with pytest.raises(ConfigError, match="one length above 0 mm per axis"):
            hd95_mm_error(mask, mask, spacing_mm=spacing)
