"""A grid of windows: it covers the image, is bounded, and its answers are averaged."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from anlage.data.store import Store
from anlage.encoders import build_encoder
from anlage.evaluate.predict import embed, predict
from anlage.evaluate.windows import answers, shown, window_starts
from anlage.tasks.classification import Classification
from anlage.train.adapt import Fitted
from anlage.train.loop import Outcome
from anlage.train.scene import Scene, measure_intensities, scene_of

CPU = torch.device("cpu")
WINDOW = Scene(field="window", size=(16, 24, 16), region=(20, 30, 20))
CORNERS = [(a, b, c) for a in (0, 16) for b in (0, 8) for c in (0, 16)]  # of 32 voxels each


def intensities_of(store):
    return measure_intensities(store, np.arange(len(store)), window=None)


def cut(store, row, start, size=WINDOW.size):
    """One standardised window, (1, C, *size)."""
    part = tuple(slice(low, low + length) for low, length in zip(start, size, strict=True))
    raw = torch.from_numpy(np.array(store.image(row)[(slice(None), *part)]))[None]
    intensities = intensities_of(store)
    return intensities.standardise(intensities.to_unit(raw))


@pytest.mark.parametrize(
    ("space", "size", "axes"),
    [
        ((32, 40), (16, 16), ([0, 16], [0, 12, 24])),
        ((33, 16), (16, 16), ([0, 8, 17], [0])),
        ((10, 64), (16, 64), ([-3], [0])),
        ((30,), (16,), ([0, 14],)),
    ],
)
def test_as_few_windows_as_cover_are_evenly_placed(space, size, axes):
    starts, covered = window_starts(space, size)
    assert starts.tolist() == [list(place) for place in itertools.product(*axes)]
    assert covered == 1


@pytest.mark.parametrize("size", [(16, 16, 16), (17, 20, 33), (24, 64, 31)])
@pytest.mark.parametrize("space", [(48, 48, 48), (47, 33, 20), (17, 60, 91), (9, 18, 70)])
def test_a_covering_grid_leaves_no_voxel_out(space, size):
    starts, covered = window_starts(space, size)
    seen = np.zeros(space, dtype=bool)
    for start in starts:
        seen[tuple(slice(max(0, a), a + n) for a, n in zip(start, size, strict=True))] = True
    assert len(starts) <= 27
    assert bool(seen.all()) == (covered == 1)
    assert seen.mean() == pytest.approx(covered, abs=0.02)


def test_never_more_than_27_windows_are_taken_and_what_they_cover_is_said():
    starts, covered = window_starts((64, 64, 64), (16, 16, 16))
    assert len(starts) == 27
    assert sorted(set(starts[:, 0].tolist())) == [0, 24, 48]
    assert covered == pytest.approx(0.75**3)
    assert len(window_starts((2000, 2000), (16, 16))[0]) <= 27


def test_probabilities_are_averaged_over_the_windows(volumes_store):
    class Steep(torch.nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            level = 4 * images.flatten(1).mean(dim=1)
            return torch.stack([-level, level], dim=1)

    store = Store.open(volumes_store)
    model = Fitted(
        network=Steep(),
        scene=WINDOW,
        intensities=intensities_of(store),
        outcome=Outcome(status="finished", step=0, exit_code=0, reason="", seconds=0.0),
    )
    table = predict(
        model, Classification(store, labels=("lesion",)), store, np.arange(9), device=CPU
    )
    spread = set()
    for row in range(9):
        each = [float(Steep()(cut(store, row, at)).softmax(dim=1)[0, 1]) for at in CORNERS]
        assert table["p1"][row] == pytest.approx(np.mean(each), abs=1e-5)
        spread.add(round(max(each) - min(each), 2))
    assert max(spread) > 0.1


def test_embeddings_are_averaged_over_the_windows(volumes_store):
    store = Store.open(volumes_store)
    encoder = build_encoder("resnet10", dims=3, channels=1, image_size=WINDOW.size).eval()
    found = embed(encoder, store, np.array([4, 1]), WINDOW, intensities_of(store), device=CPU)
    assert found.shape == (2, encoder.width)
    assert found.dtype == np.float32
    with torch.inference_mode():
        each = [encoder(cut(store, 1, at)).embedding[0].numpy() for at in CORNERS]
    np.testing.assert_allclose(found[1], np.mean(each, axis=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("corner", [(1, 1, 1), (30, 30, 30), (1, 30, 1)])
def test_what_lies_in_a_corner_is_seen(corner, volumes_store, monkeypatch):
    store = Store.open(volumes_store)
    dark, bright = (np.zeros(store.shape(0), dtype=store.meta.dtype) for _ in range(2))
    bright[(0, *corner)] = 5
    monkeypatch.setattr(store, "image", lambda row: (dark, bright)[row])

    def ask(images: Tensor) -> Tensor:
        return images.flatten(1).amax(dim=1, keepdim=True)

    intensities = intensities_of(Store.open(volumes_store))
    found = dict(answers(store, np.arange(2), WINDOW, intensities, ask=ask, device=CPU))
    assert found[1][0] > found[0][0] + 0.1


def test_images_of_several_sizes_keep_their_own_windows(odd_store):
    store = Store.open(odd_store)
    scene = Scene(field="window", size=(16, 16, 16), region=(16, 16, 16))
    counts = [len(window_starts(store.shape(row)[1:], scene.size)[0]) for row in range(6)]
    assert len(set(counts)) > 1
    rows = [
        row
        for part, _ in shown(store, np.arange(6), scene, intensities_of(store))
        for row in part.tolist()
    ]
    assert rows == np.repeat(np.arange(6), counts).tolist()

    def ask(images: Tensor) -> Tensor:
        return images.flatten(1).mean(dim=1, keepdim=True)

    order = np.array([5, 0, 3])
    alone = [
        next(answers(store, np.array([row]), scene, intensities_of(store), ask=ask, device=CPU))
        for row in order
    ]
    together = list(answers(store, order, scene, intensities_of(store), ask=ask, device=CPU))
    assert [row for row, _ in together] == order.tolist()
    np.testing.assert_allclose([a for _, a in together], [a for _, a in alone], atol=1e-6)


def test_a_whole_image_is_one_view(odd_store):
    store = Store.open(odd_store)
    views = list(
        shown(
            store, np.arange(6), scene_of(store, size=(16,), field="image"), intensities_of(store)
        )
    )
    assert [part.tolist() for part, _ in views] == [[0, 1, 2, 3, 4, 5]]
    assert views[0][1].shape == (6, 1, 16, 16, 16)


def test_gaps_are_said_once(volumes_store, capsys):
    store = Store.open(volumes_store)
    scene = Scene(field="window", size=(8, 8, 8), region=(8, 8, 8))
    for _ in range(2):
        list(shown(store, np.arange(3), scene, intensities_of(store)))
    assert capsys.readouterr().out == (
        "warning: 27 windows of 8x8x8 do not cover 3 of 3 images, of one only 42%. Raise the "
        "image size, or show whole images (field: image).\n"
    )
    list(shown(store, np.arange(3), WINDOW, intensities_of(store)))
    assert capsys.readouterr().out == ""
