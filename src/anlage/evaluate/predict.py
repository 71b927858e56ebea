"""Run a network over rows of a store and keep every case as one record of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from monai.inferers import sliding_window_inference
from torch import Tensor
from torch.nn import functional as F

from anlage.data.store import Store
from anlage.encoders import Encoder
from anlage.tasks import Task
from anlage.train.adapt import Fitted
from anlage.train.feed import read_crops
from anlage.train.scene import Scene
from anlage.transforms.views import Intensities, ViewPlan, one_view

__all__ = ["case_table", "embed", "outputs", "predict"]

_BATCH = {2: 64, 3: 8}  # images at once, by dims
_OVERLAP = 0.5


@torch.inference_mode()
def embed(
    encoder: Encoder,
    store: Store,
    rows: npt.NDArray[np.int64],
    scene: Scene,
    intensities: Intensities,
    *,
    device: torch.device,
) -> npt.NDArray[np.float32]:
    """Return frozen embeddings of whole images, (n, E); of the middle window of large ones."""
    encoder = encoder.to(device).eval()
    plan = ViewPlan(size=scene.size, intensities=intensities)
    region = scene.region if scene.field == "image" else scene.size
    parts = []
    for chunk in _chunks(store, rows):
        crops = read_crops(store, chunk, region=region)
        images, _ = one_view(crops, plan, draws=None)
        parts.append(encoder(images.to(device)).embedding.float().cpu().numpy())
    embedded: npt.NDArray[np.float32] = np.concatenate(parts)
    return embedded


def predict(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    *,
    device: torch.device,
) -> pl.DataFrame:
    """Predict labelled rows.

    Returns:
        One row per case: store row, id, group, and the task's record.
    """
    records = {
        row: task.record(row, output)
        for row, output in outputs(fitted, task, store, rows, device=device)
    }
    return case_table(store, rows, records)


def case_table(
    store: Store, rows: npt.NDArray[np.int64], records: Mapping[int, Mapping[str, float]]
) -> pl.DataFrame:
    """Join records with what identifies their cases."""
    return pl.DataFrame(
        [
            {
                "row": row,
                "id": store.ids[row],
                "group": int(store.patients[row]),
                **records[row],
            }
            for row in rows.tolist()
        ],
        infer_schema_length=None,
    )


@torch.inference_mode()
def outputs(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    *,
    device: torch.device,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield each row with its probabilities: (K,), or (K, *S) on the stored grid."""
    fitted.network.to(device).eval()
    if task.profile.signal == "global":
        yield from _global(fitted, task, store, rows, device)
    elif fitted.scene.field == "image":
        yield from _dense_image(fitted, task, store, rows, device)
    else:
        yield from _dense_window(fitted, task, store, rows, device)


def _global(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    scene = fitted.scene
    plan = ViewPlan(size=scene.size, intensities=fitted.intensities)
    region = scene.region if scene.field == "image" else scene.size
    for chunk in _chunks(store, rows):
        images, _ = one_view(read_crops(store, chunk, region=region), plan, draws=None)
        likely = task.activate(fitted.network(images.to(device)).float()).cpu().numpy()
        yield from zip(chunk.tolist(), likely, strict=True)


def _dense_image(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    scene = fitted.scene
    plan = ViewPlan(size=scene.size, intensities=fitted.intensities)
    mode = "bilinear" if store.meta.dims == 2 else "trilinear"
    for chunk in _chunks(store, rows):
        images, _ = one_view(read_crops(store, chunk, region=scene.region), plan, draws=None)
        logits = fitted.network(images.to(device)).float().cpu()
        for row, small in zip(chunk.tolist(), logits, strict=True):
            full = F.interpolate(small[None], size=scene.region, mode=mode)
            yield row, _centre(task.activate(full)[0].numpy(), store.shape(row)[1:])


def _dense_window(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    for row in rows.tolist():
        stored = torch.from_numpy(np.array(store.image(row)))[None]
        unit = fitted.intensities.to_unit(stored)
        image = fitted.intensities.standardise(unit).to(device)
        logits = sliding_window_inference(
            image,
            fitted.scene.size,
            sw_batch_size=4,
            predictor=fitted.network,
            overlap=_OVERLAP,
            mode="gaussian",
            padding_mode="replicate",
        )
        assert isinstance(logits, Tensor), "one output, one tensor"
        yield row, task.activate(logits.float())[0].cpu().numpy()


def _centre(padded: npt.NDArray[np.float32], space: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Cut the image out of the region that it was centred in."""
    cut = [slice(None)]
    for edge, region in zip(space, padded.shape[1:], strict=True):
        start = -((edge - region) // 2)
        cut.append(slice(start, start + edge))
    return padded[tuple(cut)]


def _chunks(store: Store, rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    size = _BATCH[store.meta.dims]
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
