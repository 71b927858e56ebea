"""How fast and how large is a pretraining step: every method with every encoder, 2D and 3D.

Writes the table that the advisor's costs come from, src/anlage/advisor/costs.json: images per
second of whole steps (read, make views, forward, backward, update) and the peak memory of the
process, for two sizes and two batch sizes; and what is to be known of each encoder without
building it. `finetune` and `finetune_dense` are supervised steps. Each point runs in a process of
its own. With one thread, seconds are those that the process had the core, so that other work
disturbs little; with more, they are seconds of the clock.

    python benchmarks/bench_cost.py                        # all, about half an hour on one core
    python benchmarks/bench_cost.py --encoder resnet10     # only these; the others are kept
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

import anlage
from anlage import plugins
from anlage.data.cohort import write_cohort
from anlage.data.phantoms import CohortConfig
from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.encoders import UNetDecoder, build_encoder
from anlage.errors import AnlageError
from anlage.tensors import MethodOutput
from anlage.train.distributed import World
from anlage.train.loop import LoopConfig, fit
from anlage.train.precision import settled_precision
from anlage.train.pretrain import PretrainConfig
from anlage.train.pretrain_job import PretrainJob
from anlage.train.runs import environment
from anlage.train.signals import Stop

TABLE = Path(__file__).parents[1] / "src" / "anlage" / "advisor" / "costs.json"
SIZES = {2: (64, 128), 3: (32, 48)}
BATCHES = {2: (16, 32), 3: (2, 4)}
SUPERVISED = ("finetune", "finetune_dense")


def main() -> None:
    """Measure and write."""
    wanted = arguments()
    torch.set_num_threads(wanted.threads)
    known = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    points = {key(point): point for point in known.get("points", [])}
    encoders = dict(known.get("encoders", {}))
    left_out = {tuple(place) for place in known.get("left_out", [])}
    with tempfile.TemporaryDirectory() as folder:
        stores = {dims: make_store(Path(folder) / f"{dims}d", dims) for dims in wanted.dims}
        for name in wanted.encoder:
            encoders[name] = {f"{dims}d": facts(name, dims) for dims in (2, 3)}
            for dims, store in stores.items():
                for method in wanted.method:
                    for size, batch in corners(dims):
                        point = measured(store, method, name, size, batch, wanted.steps)
                        if point is None:
                            left_out.add((method, name, dims))
                            break
                        left_out.discard((method, name, dims))
                        points[key(point)] = point
                        print(point, flush=True)
                    write(points, encoders, left_out, wanted)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    methods = (*plugins.available("methods"), *SUPERVISED)
    parser.add_argument("--method", nargs="+", default=methods)
    parser.add_argument("--encoder", nargs="+", default=plugins.available("encoders"))
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 3])
    parser.add_argument("--steps", type=int, default=3, help="Timed steps per point.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--note", default="", help="What else ran on the machine.")
    return parser.parse_args()


def corners(dims: int) -> list[tuple[int, int]]:
    """Return sizes and batch sizes to measure: small and large, and the large one twice."""
    (small, large), (few, many) = SIZES[dims], BATCHES[dims]
    return [(small, many), (large, few), (large, many)]


def make_store(folder: Path, dims: int) -> Store:
    """Prepare a small virtual cohort."""
    size = SIZES[dims][-1]
    config = CohortConfig(patients=3 * BATCHES[dims][-1], dims=dims, size=size)
    files = write_cohort(folder / "files", config=config)
    prepare(files, out=folder / "store", modality="mri", label=("lesion",), patient="patient")
    return Store.open(folder / "store")


def facts(name: str, dims: int) -> dict[str, Any]:
    """Return what the advisor needs to know of an encoder without building it."""
    try:
        size = (64,) * 2 if dims == 2 else (32,) * 3
        encoder = build_encoder(name, dims=dims, channels=1, image_size=size)
    except AnlageError:
        return {}
    return {
        "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
        "patch": encoder.patch,
        "imagenet": encoder.imagenet if dims == 2 else None,
    }


def measured(
    store: Store, method: str, encoder: str, size: int, batch: int, steps: int
) -> dict[str, Any] | None:
    """Measure one point in a process of its own; None where the two do not go together."""
    queue: Any = multiprocessing.get_context("fork").SimpleQueue()
    context = multiprocessing.get_context("fork")
    child = context.Process(
        target=_answer, args=(queue, store, method, encoder, size, batch, steps)
    )
    child.start()
    child.join()
    if child.exitcode != 0 or queue.empty():
        return None
    speed, memory = queue.get()
    return {
        "method": method,
        "encoder": encoder,
        "dims": store.meta.dims,
        "size": size,
        "batch": batch,
        "images_per_s": round(speed, 2),
        "mb": round(memory),
    }


def _answer(
    queue: Any, store: Store, method: str, encoder: str, size: int, batch: int, steps: int
) -> None:
    try:
        queue.put(_measure(store, method, encoder, size, batch, steps))
    except AnlageError as error:
        print(f"left out: {method} with {encoder} in {store.meta.dims}D: {error}", flush=True)


def _measure(
    store: Store, method: str, encoder: str, size: int, batch: int, steps: int
) -> tuple[float, float]:
    """Return images per second and the process's peak memory in MB."""
    edges = (size,) * store.meta.dims
    config = PretrainConfig(
        method="simclr" if method in SUPERVISED else method,
        encoder=encoder,
        image_size=edges,
        batch_size=batch,
        device="cpu",
    )
    job = PretrainJob(store, config, World())
    module: nn.Module = job.objective
    if method in SUPERVISED:
        module = Supervised(job, is_dense=method == "finetune_dense")
    precision = settled_precision("auto", edges, job.world.device)

    def run(count: int) -> float:
        loop = LoopConfig(
            steps=count, batch_size=batch, learning_rate=1e-4, weight_decay=0.0, precision=precision
        )
        start = clock()
        fit(module, job.objective.batch, loop, folder=None, world=World(), stop=Stop())
        return clock() - start

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    run(1)  # to warm up
    seconds = run(steps)
    job.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return steps * batch / seconds, peak


class Supervised(nn.Module):
    """A supervised step on the first view: an encoder with a linear head or a U-Net decoder."""

    def __init__(self, job: PretrainJob, *, is_dense: bool) -> None:
        super().__init__()
        self.encoder = job.encoder
        self.head: nn.Module = (
            UNetDecoder(job.encoder, out_channels=2)
            if is_dense
            else nn.Linear(job.encoder.width, 2)
        )
        self.is_dense = is_dense

    def forward(self, views: Any) -> MethodOutput:
        """Return a loss that reaches every weight."""
        images = views.images[0]
        features = self.encoder(images)
        answer = self.head(images, features) if self.is_dense else self.head(features.embedding)
        return MethodOutput.from_parts(loss=answer.square().mean(), embedding=features.embedding)


def key(point: dict[str, Any]) -> tuple[Any, ...]:
    """Return what names a point."""
    return tuple(point[name] for name in ("method", "encoder", "dims", "size", "batch"))


def write(
    points: dict[Any, Any],
    encoders: dict[str, Any],
    left_out: set[tuple[Any, ...]],
    wanted: argparse.Namespace,
) -> None:
    """Write the table, one point per line."""
    head = {
        "device": f"{cpu_name()}, {wanted.threads} of {os.cpu_count()} cores",
        "kind": "cpu",
        "threads": wanted.threads,
        "load": round(os.getloadavg()[0], 1),
        "note": wanted.note,
        "anlage": anlage.__version__,
        "commit": environment()["commit"],
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "encoders": encoders,
        "left_out": sorted(left_out),
    }
    lines = ",\n".join(f"  {json.dumps(points[name])}" for name in sorted(points))
    text = json.dumps(head, indent=1)[:-2] + f',\n "points": [\n{lines}\n ]\n}}\n'
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    draft = TABLE.with_suffix(".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(TABLE)


def cpu_name() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
