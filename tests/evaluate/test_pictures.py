"""The picture of worst cases: worst first, the truth green, the answer vermilion."""

import json

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import nn

from anlage.data.store import Store
from anlage.evaluate.pictures import draw_worst_cases
from anlage.evaluate.predict import predict
from anlage.tasks.classification import Classification
from anlage.tasks.segmentation import Segmentation
from anlage.train.adapt import Fitted
from anlage.train.loop import Outcome
from anlage.train.scene import measure_intensities, scene_of

CPU = torch.device("cpu")
GREEN, VERMILION = (0, 158, 115), (213, 94, 0)


class Sure(nn.Module):
    """Always the last answer, on every pixel."""

    def __init__(self, *, is_dense):
        super().__init__()
        self.is_dense = is_dense

    def forward(self, images):
        space = images.shape[2:] if self.is_dense else ()
        logits = torch.zeros(len(images), 2, *space)
        logits[:, 1] = 5.0
        return logits


def drawn(store, task, path, rows):
    network = Sure(is_dense=task.profile.signal == "dense")
    fitted = Fitted(
        network=network,
        scene=scene_of(store, size=(32,), field="image"),
        intensities=measure_intensities(store, np.arange(len(store)), window=None),
        outcome=Outcome(status="finished", step=0, exit_code=0, reason="", seconds=0.0),
    )
    cases = predict(fitted, task, store, rows, device=CPU)
    draw_worst_cases(path, fitted, task, store, cases, device=CPU)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", ["slices_store", "volumes_store"])
@pytest.mark.parametrize("kind", [Classification, Segmentation])
def test_eight_cases_at_most_four_to_a_row(tmp_path, request, name, kind):
    store = Store.open(request.getfixturevalue(name))
    task = kind(store, labels=("lesion",) if kind is Classification else ())
    few = drawn(store, task, tmp_path / "a.png", np.arange(3))
    many = drawn(store, task, tmp_path / "b.png", np.arange(12))
    assert few.shape == (176, 640, 3)
    assert many.shape == (352, 640, 3)


def has(picture, colour):
    return bool((picture == np.array(colour, np.uint8)).all(axis=-1).any())


def test_masks_are_outlined_in_two_colours(tmp_path, slices_store):
    store = Store.open(slices_store)
    task = Segmentation(store)
    ill = np.flatnonzero(task.strata == 1)[:1]
    picture = drawn(store, task, tmp_path / "a.png", ill)
    assert has(picture, GREEN)
    assert has(picture, VERMILION)


def test_a_case_without_a_structure_has_no_green(tmp_path, slices_store):
    store = Store.open(slices_store)
    task = Segmentation(store)
    picture = drawn(store, task, tmp_path / "a.png", np.flatnonzero(task.strata == 0)[:1])
    assert not has(picture, GREEN)
    assert has(picture, VERMILION)


def test_the_worst_case_comes_first(tmp_path, slices_store):
    store = Store.open(slices_store)
    task = Classification(store, labels=("lesion",))
    right = np.flatnonzero(task.strata == 1)[:1]
    wrong = np.flatnonzero(task.strata == 0)[:1]
    both = drawn(store, task, tmp_path / "a.png", np.concatenate([right, wrong]))
    alone = drawn(store, task, tmp_path / "b.png", wrong)
    np.testing.assert_array_equal(both[:, :160], alone[:, :160])


def test_failed_cases_are_the_worst(tmp_path, slices_store):
    store = Store.open(slices_store)
    task = Classification(store, labels=("lesion",))
    records = [{"row": row, **task.record(row, None)} for row in (3, 5)]
    assert task.badness(pl.DataFrame(records)).tolist() == [1.0, 1.0]


def test_words_are_kept_beside_the_picture_with_where_each_case_lies(tmp_path, slices_store):
    store = Store.open(slices_store)
    task = Classification(store, labels=("lesion",))
    picture = drawn(store, task, tmp_path / "worst.png", np.arange(6))
    layout = json.loads((tmp_path / "worst.json").read_text())
    assert len(layout["captions"]) == 6
    assert all("none 99%, is " in words for words in layout["captions"])
    assert layout["captions"][0].endswith("is dark")
    across, down = layout["tile"]
    assert picture.shape[:2] == (2 * down, layout["columns"] * across)
    words_below = picture[layout["picture"] + 2 : down, :across]
    assert (words_below < 128).any()
    assert layout["picture"] <= across
