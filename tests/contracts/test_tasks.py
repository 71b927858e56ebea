"""What every task keeps, in 2D and in 3D: found by file name, so a new one is tested too."""

import numpy as np
import polars as pl
import pytest
import torch

from anlage import plugins
from anlage.data.store import Store
from anlage.encoders import build_encoder
from anlage.metrics import Statistic

LABELS = {"classification": ("lesion",), "segmentation": ()}
EDGE = 32


@pytest.fixture(params=["slices_store", "volumes_store"])
def store(request):
    return Store.open(request.getfixturevalue(request.param))


@pytest.fixture(params=plugins.available("tasks"))
def task(request, store):
    plugin = plugins.load("tasks", request.param)
    return plugin(store, labels=LABELS.get(request.param, ("lesion",)), config=plugin.Config())


@pytest.fixture
def network(task, store):
    torch.manual_seed(0)
    meta = store.meta
    size = (EDGE,) * meta.dims
    return task.network(
        build_encoder("resnet10", dims=meta.dims, channels=meta.channels, image_size=size)
    )


def batch(task, store, count=2):
    rows = np.flatnonzero(task.is_labelled)[:count]
    images = torch.stack([torch.from_numpy(np.array(store.image(r), np.float32)) for r in rows])
    maps = None
    if task.profile.signal == "dense":
        maps = torch.stack([torch.from_numpy(np.array(store.mask(r), np.int64)) for r in rows])
    return images / images.std(), torch.from_numpy(rows), maps


def answers(task, store, rows, seed=0):
    """Probabilities as a network would give them."""
    rng = np.random.default_rng(seed)
    for row in rows:
        space = store.shape(row)[1:] if task.profile.signal == "dense" else ()
        raw = torch.from_numpy(rng.normal(size=(1, task.outputs, *space)))
        yield row, task.activate(raw)[0].numpy().astype(np.float32)


def records(task, rows, given):
    return pl.DataFrame(
        [{"row": row, **task.record(row, given.get(row))} for row in rows],
        infer_schema_length=None,
    )


def test_a_loss_reaches_encoder_and_head(task, network, store):
    images, rows, maps = batch(task, store)
    task.fit(np.flatnonzero(task.is_labelled))
    output = task.loss(network(images), rows, maps)
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert output.loss.item() == pytest.approx(sum(p.item() for p in output.parts.values()))
    for part in (network.encoder, network.head):
        gradients = [p.grad for p in part.parameters() if p.grad is not None]
        assert sum(g.abs().sum().item() for g in gradients) > 0


def test_the_loss_looks_at_the_targets(task, network, store):
    rows = np.flatnonzero(task.strata == 0)[:1], np.flatnonzero(task.strata == 1)[:1]
    images, _, _ = batch(task, store, count=1)
    task.fit(np.flatnonzero(task.is_labelled))
    output = network.eval()(images).detach()
    losses = []
    for row in rows:
        maps = None
        if task.profile.signal == "dense":
            maps = torch.from_numpy(np.array(store.mask(row[0]), np.int64))[None]
        losses.append(task.loss(output, torch.from_numpy(row), maps).loss.item())
    assert losses[0] != losses[1]


def test_a_few_steps_lower_the_loss(task, network, store):
    images, rows, maps = batch(task, store)
    task.fit(np.flatnonzero(task.is_labelled))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(4):
        optimiser.zero_grad()
        loss = task.loss(network(images), rows, maps).loss
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_probabilities_lie_between_zero_and_one_with_k_channels(task, network, store):
    images, _, _ = batch(task, store)
    likely = task.activate(network.eval()(images))
    assert likely.shape[:2] == (2, task.outputs)
    assert likely.min() >= 0
    assert likely.max() <= 1


def test_every_metric_is_a_statistic_with_the_headline_first(task, store):
    rows = np.flatnonzero(task.is_labelled).tolist()
    found = task.metrics(records(task, rows, dict(answers(task, store, rows))))
    assert next(iter(found)) == task.headline
    for name, statistic in found.items():
        assert isinstance(statistic, Statistic), name
        value = statistic.value().value
        assert value is not None
        assert np.isfinite(value), name


def test_a_failed_case_is_never_better_and_never_left_out(task, store):
    rows = np.flatnonzero(task.is_labelled).tolist()
    given = dict(answers(task, store, rows))
    best = task.metrics(records(task, rows, given))[task.headline]
    for row in rows[: len(rows) // 2]:
        given[row] = None
    worse = task.metrics(records(task, rows, given))[task.headline]
    assert worse.value().num_cases == best.value().num_cases == len(rows)
    assert worse.value().num_failed == len(rows) // 2
    all_failed = task.metrics(records(task, rows, {}))[task.headline].value().value
    assert all_failed == 0.0


def test_records_are_numbers_and_come_back_from_disk_as_they_were(task, store, tmp_path):
    rows = np.flatnonzero(task.is_labelled).tolist()[:4]
    table = records(task, rows, dict(list(answers(task, store, rows))[:3]))
    assert all(dtype.is_numeric() for dtype in table.dtypes)
    table.write_parquet(tmp_path / "cases.parquet")
    assert pl.read_parquet(tmp_path / "cases.parquet").equals(table, null_equal=True)


def test_the_prior_knows_training_targets_alone(task, store):
    rows = np.flatnonzero(task.is_labelled)
    train, test = rows[: len(rows) // 3], rows[len(rows) // 3 :]
    answer = task.prior(train)
    space = store.shape(int(test[0]))[1:] if task.profile.signal == "dense" else ()
    assert answer(int(test[0])).shape == (task.outputs, *space)
    np.testing.assert_array_equal(answer(int(test[0])), answer(int(test[1])))
    np.testing.assert_allclose(answer(int(test[0])).sum(axis=0), 1, rtol=1e-5)
    assert not np.array_equal(answer(int(test[0])), task.prior(test)(int(test[0])))


def test_the_worst_cases_come_first(task, store):
    rows = np.flatnonzero(task.is_labelled).tolist()
    badness = task.badness(records(task, rows, dict(answers(task, store, rows))))
    failed = task.badness(records(task, rows, {}))
    assert badness.shape == (len(rows),)
    assert (failed >= badness).all()


def test_settings_said_in_full_build_the_same_task(task, store):
    plugin = type(task)
    again = plugin(
        store,
        labels=LABELS.get(task.profile.task, ("lesion",)),
        config=plugin.Config.parse(task.config.model_dump(mode="json"), where="test"),
        classes=task.classes,
    )
    assert again.config == task.config
    assert again.classes == task.classes
    np.testing.assert_array_equal(again.strata, task.strata)


def test_what_it_says_of_itself_is_consistent(task, store):
    assert task.profile.task in plugins.available("tasks")
    assert task.headline in plugins.available("metrics")
    assert set(task.rungs) <= {"knn", "linear", "frozen", "finetune"}
    assert task.is_labelled.shape == task.strata.shape == (len(store),)
    np.testing.assert_array_equal(task.strata >= 0, task.is_labelled)


def test_captions_are_short(task, store):
    ((row, answer),) = answers(task, store, np.flatnonzero(task.is_labelled).tolist()[:1])
    assert 0 < len(task.caption(row, answer)) < 45
