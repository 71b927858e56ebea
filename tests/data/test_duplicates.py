"""Equal and nearly equal images are found, and only those."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from anlage.data.duplicates import Groups, dhash, near_pairs, pixel_hash, thumbnail


def scan(seed: int) -> np.ndarray:
    """A picture as smooth as a scan, (256, 256)."""
    noise = np.random.default_rng(seed).standard_normal((256, 256))
    smooth = ndimage.gaussian_filter(noise, 12)
    return np.interp(smooth, [smooth.min(), smooth.max()], [0, 255]).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


CHANGES = {
    "resaved as JPEG": lambda image: jpeg(image, 40),
    "shifted by a pixel": lambda image: np.roll(image, 1, axis=0),
    "shifted by a column": lambda image: np.roll(image, 1, axis=1),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "brighter": lambda image: np.clip(image * 0.8 + 40, 0, 255).astype(np.uint8),
    "half the size": lambda image: image[::2, ::2],
    "noisy": lambda image: np.clip(
        image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255
    ).astype(np.uint8),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_changed_copy_is_a_near_duplicate(change: str) -> None:
    for seed in range(5):
        image = scan(seed)
        copy = np.ascontiguousarray(CHANGES[change](image))
        thumbs = [thumbnail(each[None]) for each in (scan(99), image, copy, scan(98))]
        assert near_pairs(thumbs) == [(1, 2)], change


def test_other_images_are_none() -> None:
    assert near_pairs([thumbnail(scan(seed)[None]) for seed in range(40)]) == []


def test_a_quarter_turn_is_another_image() -> None:
    image = scan(0)
    assert near_pairs([thumbnail(image[None]), thumbnail(np.rot90(image)[None])]) == []


def test_a_copy_of_a_volume_is_found_by_its_middle() -> None:
    volume = np.stack([scan(seed) for seed in range(5)], axis=-1)
    other = np.roll(volume, 2, axis=-1)
    thumbs = [thumbnail(each[None]) for each in (volume, volume + 1, other)]
    assert near_pairs(thumbs) == [(0, 1)]


def test_blank_images_say_nothing_and_are_copies_of_none() -> None:
    images = [np.full((1, 9, 9), value, np.uint8) for value in (0, 200)]
    images += [scan(0)[None], images[0], scan(0)[None]]
    assert near_pairs([thumbnail(image) for image in images]) == [(2, 4)]
    assert near_pairs([thumbnail(image) for image in images[:2]]) == []


def test_more_copies_of_one_image_than_are_compared_with_each_other_are_one_group() -> None:
    rng = np.random.default_rng(0)
    thumb = thumbnail(scan(0)[None]).astype(int)
    copies = np.clip(thumb + rng.integers(-1, 2, (600, 16, 17)), 0, 255).astype(np.uint8)
    other = thumbnail(scan(1)[None])
    groups = Groups(602)
    for first, second in near_pairs([other, *copies, np.zeros((16, 17), np.uint8)]):
        groups.join(first, second)
    assert groups.numbers().tolist() == [0, *[1] * 600, 2]


def test_pairs_are_those_of_a_comparison_of_all_with_all() -> None:
    rng = np.random.default_rng(0)
    thumbs = []
    for seed in range(12):
        thumb = thumbnail(scan(seed)[None]).astype(int)
        for spread in (0, 1, 3, 5, 8):
            noisy = thumb + rng.integers(-spread, spread + 1, thumb.shape)
            turned = (noisy, noisy[:, ::-1], noisy[::-1])[rng.integers(3)]
            thumbs.append(np.clip(turned, 0, 255).astype(np.uint8))

    def alike(first: np.ndarray, second: np.ndarray) -> bool:
        brighter = [np.diff(each.astype(int)) > 0 for each in (first, second)]
        bits = int((brighter[0] != brighter[1]).sum())
        return bits <= 12 and float(np.corrcoef(first.ravel(), second.ravel())[0, 1]) >= 0.98

    expected = [
        (i, j)
        for i in range(60)
        for j in range(i + 1, 60)
        if any(alike(thumbs[i], each) for each in (thumbs[j], thumbs[j][:, ::-1], thumbs[j][::-1]))
    ]
    assert 10 < len(expected) < 120
    assert near_pairs(thumbs) == expected


def test_one_or_no_image_has_no_pair() -> None:
    assert near_pairs([]) == near_pairs([thumbnail(scan(0)[None])]) == []


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 40), (1, 17, 16), (2, 4, 6, 3)])
def test_thumbnails_have_one_size(shape: tuple[int, ...]) -> None:
    thumb = thumbnail(np.random.default_rng(0).normal(size=shape).astype(np.float16))
    assert (thumb.shape, thumb.dtype) == ((16, 17), np.uint8)


def test_a_thumbnail_averages_cells_of_equal_size() -> None:
    image = np.random.default_rng(0).random((1, 64, 68)).astype(np.float32)
    means = image[0].reshape(16, 4, 17, 4).mean(axis=(1, 3))
    expected = (means - means.min()) / (means.max() - means.min()) * 255
    np.testing.assert_allclose(thumbnail(image), expected, atol=1.001)


def test_a_hash_says_where_it_gets_brighter() -> None:
    thumb = np.random.default_rng(0).integers(0, 256, (16, 17), np.uint8)
    bits = np.unpackbits(dhash(thumb)).reshape(16, 16)
    for row in range(16):
        for column in range(16):
            assert bits[row, column] == (thumb[row, column] < thumb[row, column + 1])


def test_a_pixel_hash_covers_type_shape_and_values() -> None:
    image = np.arange(12, dtype=np.int16).reshape(1, 3, 4)
    expected = hashlib.sha256(b"int16(1, 3, 4)" + image.tobytes()).hexdigest()
    assert pixel_hash(image) == expected
    changed = image.copy()
    changed[0, 0, 0] = 1
    others = [image.astype(np.uint16), image.reshape(1, 4, 3), changed]
    assert len({expected, *map(pixel_hash, others)}) == 4
    assert pixel_hash(np.asfortranarray(image)) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_groups_are_the_connected_parts(joins: list[tuple[int, int]]) -> None:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = Groups(10)
    for pair in joins:
        groups.join(*pair)
    first, second = zip(*joins, strict=True) if joins else ((), ())
    graph = coo_array((np.ones(len(joins)), (first, second)), shape=(10, 10))
    _, expected = connected_components(graph, directed=False)
    numbers = groups.numbers()
    np.testing.assert_array_equal(
        numbers[:, None] == numbers[None], expected[:, None] == expected[None]
    )
    order = list(dict.fromkeys(numbers.tolist()))
    assert order == list(range(len(order)))


def test_equal_keys_join_and_none_joins_nothing() -> None:
    groups = Groups(5)
    groups.join_equal(["a", None, "b", "a", None])
    assert groups.numbers().tolist() == [0, 1, 2, 0, 3]
