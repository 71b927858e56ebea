"""Predictions come back on the stored grid, whatever the network was shown."""

import numpy as np
import pytest
import torch
from torch import nn

from anlage.data.store import Store
from anlage.encoders import build_encoder
from anlage.evaluate import windows
from anlage.evaluate.predict import case_table, embed, outputs, predict
from anlage.tasks.classification import Classification
from anlage.tasks.segmentation import Segmentation
from anlage.tensors import Features
from anlage.train.adapt import Fitted
from anlage.train.loop import Outcome
from anlage.train.scene import Scene, measure_intensities, scene_of

CPU = torch.device("cpu")
DONE = Outcome(status="finished", step=0, exit_code=0, reason="", seconds=0.0)


class Pointwise(nn.Module):
    """Logits that are linear in each pixel."""

    def __init__(self, outputs):
        super().__init__()
        self.weight = torch.linspace(-1, 1, outputs)

    def forward(self, images):
        return images[:, :1] * self.weight.reshape(1, -1, *[1] * (images.ndim - 2))


class Means(nn.Module):
    """Two logits from the mean of each image; remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append(images.clone())
        mean = images.flatten(1).mean(dim=1)
        return torch.stack([-mean, mean], dim=1)


def fitted(store, network, scene):
    rows = np.arange(len(store))
    return Fitted(
        network=network,
        scene=scene,
        intensities=measure_intensities(store, rows, window=None),
        outcome=DONE,
    )


def by_hand(model, store, row):
    """The network on the whole stored image, without windows or resizing."""
    raw = torch.from_numpy(np.array(store.image(row)))[None]
    image = model.intensities.standardise(model.intensities.to_unit(raw))
    return model.network(image).softmax(dim=1)[0].numpy()


def test_windows_of_a_linear_network_make_the_whole_volume(volumes_store):
    store = Store.open(volumes_store)
    scene = Scene(field="window", size=(20, 16, 24), region=(20, 16, 24))
    model = fitted(store, Pointwise(2), scene)
    for row, answer in outputs(model, Segmentation(store), store, np.array([0, 3]), device=CPU):
        np.testing.assert_allclose(answer, by_hand(model, store, row), atol=1e-5)


def test_volumes_smaller_than_the_window_keep_their_grid(volumes_store):
    store = Store.open(volumes_store)
    scene = Scene(field="window", size=(48, 40, 32), region=(48, 40, 32))
    model = fitted(store, Pointwise(2), scene)
    ((row, answer),) = outputs(model, Segmentation(store), store, np.array([1]), device=CPU)
    np.testing.assert_allclose(answer, by_hand(model, store, row), atol=1e-5)


@pytest.mark.parametrize("name", ["slices_store", "volumes_store"])
def test_whole_images_at_their_own_size_are_not_resampled(name, request):
    store = Store.open(request.getfixturevalue(name))
    model = fitted(store, Pointwise(2), scene_of(store, size=(32,), field="image"))
    for row, answer in outputs(model, Segmentation(store), store, np.array([0, 2]), device=CPU):
        np.testing.assert_allclose(answer, by_hand(model, store, row), atol=1e-5)


def test_images_of_other_sizes_come_back_in_their_own_place(odd_store):
    store = Store.open(odd_store)
    largest = tuple(np.array([store.shape(r)[1:] for r in range(len(store))]).max(axis=0))
    model = fitted(store, Pointwise(2), scene_of(store, size=largest, field="image"))
    rows = np.arange(len(store))
    shapes = set()
    for row, answer in outputs(model, Segmentation(store), store, rows, device=CPU):
        shapes.add(answer.shape)
        np.testing.assert_allclose(answer, by_hand(model, store, row), atol=1e-5)
    assert len(shapes) > 1


def test_half_the_resolution_still_overlaps_the_structure(odd_store):
    store = Store.open(odd_store)
    model = fitted(store, Pointwise(2), scene_of(store, size=(20,), field="image"))
    for row, answer in outputs(model, Segmentation(store), store, np.arange(6), device=CPU):
        assert answer.shape[1:] == store.shape(row)[1:]
        inside = np.asarray(store.mask(row)) > 0
        assert answer[1][inside].mean() > answer[1][~inside].mean() + 0.1


def test_probabilities_are_interpolated_as_logits_and_add_up(odd_store):
    store = Store.open(odd_store)
    model = fitted(store, Pointwise(2), scene_of(store, size=(20,), field="image"))
    for _, answer in outputs(model, Segmentation(store), store, np.arange(6), device=CPU):
        np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["slices_store", "volumes_store"])
def test_a_case_does_not_depend_on_its_neighbours_or_order(name, request, monkeypatch):
    store = Store.open(request.getfixturevalue(name))
    task = Classification(store, labels=("lesion",))
    model = fitted(store, Means(), scene_of(store, size=(24,), field="image"))
    rows = np.arange(12)
    together = predict(model, task, store, rows, device=CPU)
    monkeypatch.setattr(windows, "_BATCH", {2: 5, 3: 5})
    backwards = predict(model, task, store, rows[::-1].copy(), device=CPU).sort("row")
    assert together["row"].to_list() == rows.tolist()
    np.testing.assert_allclose(together["p1"], backwards["p1"], atol=1e-6)


def test_whole_images_are_shown_at_the_scenes_size(slices_store):
    store, network = Store.open(slices_store), Means()
    model = fitted(store, network, scene_of(store, size=(24, 16), field="image"))
    predict(model, Classification(store, labels=("lesion",)), store, np.arange(3), device=CPU)
    assert [tuple(shown.shape) for shown in network.seen] == [(3, 1, 24, 16)]


def test_networks_predict_in_evaluation_mode_and_without_gradients(slices_store):
    class Moody(Means):
        def forward(self, images):
            assert not self.training
            assert not torch.is_grad_enabled()
            return super().forward(images)

    store, network = Store.open(slices_store), Moody()
    model = fitted(store, network.train(), scene_of(store, size=(16,), field="image"))
    task = Classification(store, labels=("lesion",))
    assert len(predict(model, task, store, np.arange(2), device=CPU)) == 2


def test_a_case_table_says_who_is_who(slices_store):
    store = Store.open(slices_store)
    table = case_table(store, np.array([4, 1]), {1: {"p0": 0.1}, 4: {"p0": 0.4}})
    assert table.to_dicts() == [
        {"row": 4, "id": store.ids[4], "group": int(store.patients[4]), "p0": 0.4},
        {"row": 1, "id": store.ids[1], "group": int(store.patients[1]), "p0": 0.1},
    ]


@pytest.mark.parametrize("name", ["slices_store", "volumes_store"])
def test_embeddings_are_the_encoders_own(name, request):
    store = Store.open(request.getfixturevalue(name))
    dims = store.meta.dims
    encoder = build_encoder("resnet10", dims=dims, channels=1, image_size=(32,) * dims)
    scene = scene_of(store, size=(32,), field="image")
    intensities = measure_intensities(store, np.arange(len(store)), window=None)
    rows = np.arange(10)
    found = embed(encoder, store, rows, scene, intensities, device=CPU)
    assert found.shape == (10, encoder.width)
    raw = torch.from_numpy(np.array(store.image(7)))[None]
    with torch.inference_mode():
        features: Features = encoder.eval()(intensities.standardise(intensities.to_unit(raw)))
    np.testing.assert_allclose(found[7], features.embedding[0].numpy(), rtol=1e-3, atol=1e-4)
