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
from anlage.evaluate.windows import answers, shown
from anlage.tasks import Task
from anlage.train.adapt import Fitted
from anlage.train.scene import Scene
from anlage.transforms.views import Intensities

__all__ = ["case_table", "embed", "outputs", "predict"]

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
    """Return frozen embeddings of whole images, (n, E); the mean over the windows of large ones."""
    encoder = encoder.to(device).eval()

    def ask(images: Tensor) -> Tensor:
        embedding: Tensor = encoder(images).embedding
        return embedding

    found = answers(store, rows, scene, intensities, ask=ask, device=device)
    return np.stack([embedding for _, embedding in found])


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
    """Answer with the mean probabilities over the views of each image."""

    def ask(images: Tensor) -> Tensor:
        return task.activate(fitted.network(images).float())

    yield from answers(store, rows, fitted.scene, fitted.intensities, ask=ask, device=device)


def _dense_image(
    fitted: Fitted,
    task: Task,
    store: Store,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    scene = fitted.scene
    mode = "bilinear" if store.meta.dims == 2 else "trilinear"
    for chunk, images in shown(store, rows, scene, fitted.intensities):
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
