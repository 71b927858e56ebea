"""How long does it take to change an image: ours by the batch, against peers that go one by one?

The same operation with like settings, applied to every image of a batch, on the CPU, one thread:

- anlage: transforms are drawn and applied to the whole batch; changes of geometry go through
  ``make_views``, with its calibration and standardisation.
- TorchIO, MONAI and batchgeneratorsv2: their own transform, called for each image, on tensors
  that are ready for it. TorchIO gets subjects, which it copies before it changes them.

Definitions differ in details (TorchIO and batchgeneratorsv2 take single pixels where ours takes
means of thick slices, MONAI's 3D deformation smooths noise instead of using splines, theirs crop
borders otherwise), so read the ratios as "what a user of each would wait", to the nearest half.
An operation that a package does not have is left blank. All contenders see the same images, in
turns within one run; their order is drawn anew in each round.

Prints two Markdown tables: medians over rounds of the mean time per image, with 95 % bootstrap
intervals, and ratios that are taken round by round.

    python benchmarks/bench_views.py
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import subprocess
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from _views_peers import Changer, peers
from anlage import plugins
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, Step, ViewPlan, make_views
from anlage.types import ViewSpec

SIZES = {2: ((64, 64), 64), 3: ((64, 64, 64), 4)}  # edges in pixels, images of a batch
PEERS = ("TorchIO", "MONAI", "batchgeneratorsv2")
AIM = 2.0

# --- what each contender is asked to do ----------------------------------------------------


OURS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "affine": [
        ("rotate", {"degrees": 15}),
        ("affine", {"scale": 1.1, "shear_degrees": 0}),
        ("flip", {}),
    ],
    "elastic": [("elastic", {"displacement_mm": 4, "spacing_mm": 12})],
    "gamma": [("gamma", {"power": 1.5})],
    "contrast": [("brightness_contrast", {"brightness": 0, "contrast": 0.25})],
    "gaussian noise": [("gaussian_noise", {"sigma": 0.1})],
    "Rician noise": [("rician_noise", {"sigma": 0.1})],
    "blur": [("gaussian_blur", {"sigma": (0.5, 1.0)})],
    "sharpen": [("sharpen", {"amount": 1.0})],
    "bias field": [("bias_field", {"coefficient": 0.3, "order": 3})],
    "low resolution": [("low_resolution", {"factor": 4})],
    "Gibbs": [("gibbs", {"cut": 0.5})],
    "spike": [("spike", {"intensity": 1.0})],
    "ghosting": [("ghosting", {"intensity": 0.8, "ghosts": 8})],
    "motion": [("motion", {"degrees": 10, "translation_mm": 5, "movements": 2})],
}
CHAIN = ("affine", "bias field", "gamma", "contrast", "gaussian noise", "blur")


# --- contenders ----------------------------------------------------------------------------


def images_of(dims: int, seed: int) -> torch.Tensor:
    """Return smooth shapes with detector noise, in the unit interval, (B, 1, *S)."""
    size, count = SIZES[dims]
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, *[edge // 8 for edge in size], generator=random)
    mode = "bilinear" if dims == 2 else "trilinear"
    shapes = F.interpolate(coarse, size=size, mode=mode)
    return (shapes + 0.02 * torch.randn(shapes.shape, generator=random)).clamp(0, 1)


def ours(names: list[tuple[str, dict[str, Any]]], images: torch.Tensor) -> Changer:
    steps = []
    for name, options in names:
        plugin = plugins.load("transforms", name)
        steps.append(Step(name=name, p=1.0, transform=plugin(plugin.Config(**options))))
    count, dims = len(images), images.ndim - 2
    sample = np.arange(count)

    def draws(number: int) -> Draws:
        return Draws(seed=0, epoch=np.full(count, number), sample=sample)

    if plugins.family("transforms", names[0][0]) == "intensity":
        transform = steps[0].transform

        def change(number: int) -> object:
            return transform.apply(images, transform.draw(draws(number), shape=images.shape))

        return change
    batch = CropBatch(
        images=images,
        label_maps=None,
        spacing_mm=torch.ones(count, dims),
        sample=torch.arange(count),
        patient=torch.arange(count),
    )
    plan = ViewPlan(
        size=tuple(images.shape[2:]),
        intensities=Intensities(low=0, high=1, mean=(0.5,), std=(0.25,)),
        steps=tuple(steps),
    )
    spec = ViewSpec(num_views=1)
    return lambda number: make_views(batch, plan, spec, draws=draws(number))


def contenders(dims: int, images: torch.Tensor) -> dict[str, dict[str, Changer]]:
    """Return who can do each operation, ours first."""
    makers = peers(dims, SIZES[dims][0])
    found: dict[str, dict[str, Changer]] = {}
    for operation, names in OURS.items():
        found[operation] = {"anlage": ours(names, images)}
        for peer, (steps, maker) in makers.items():
            if operation in steps:
                found[operation][peer] = maker(steps[operation], images)
    chain = [name for operation in CHAIN for name in OURS[operation]]
    found["all of a chain"] = {"anlage": ours(chain, images)}
    for peer, (steps, maker) in makers.items():
        own = [step for operation in CHAIN for step in steps.get(operation, [])]
        found["all of a chain"][peer] = maker(own, images)
    return found


# --- time ----------------------------------------------------------------------------------


def timed(
    changers: dict[str, Changer], rounds: int, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return ms per image, (rounds,), of each contender."""
    found: dict[str, list[float]] = {name: [] for name in changers}
    for number in range(-1, rounds):  # the first one warms up
        for name in rng.permutation(list(changers)).tolist():
            start = time.perf_counter()
            changers[name](number + 1)
            if number >= 0:
                found[name].append((time.perf_counter() - start) / count * 1e3)
    return {name: np.array(values) for name, values in found.items()}


def median(values: np.ndarray, digits: int) -> str:
    rng = np.random.default_rng(0)
    draws = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{np.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def machine() -> str:
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    packages = ("numpy", "torch", "torchio", "monai", "batchgeneratorsv2")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = os.getloadavg()[0]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, load {load:.1f}; "
        f"Python {platform.python_version()}, {versions}; commit {commit or 'unknown'}."
    )


def report(dims: int, found: dict[str, dict[str, np.ndarray]], options: argparse.Namespace) -> None:
    size, count = SIZES[dims]
    print(
        f"\n{dims}D: images of {' x '.join(map(str, size))} pixels, one channel, {count} to a "
        f"batch, one thread, {options.rounds} rounds, seed {options.seed}. Median over rounds "
        f"(95 % interval).\n\n| operation | anlage, ms per image | "
        + " | ".join(f"{peer} / anlage" for peer in PEERS)
        + " |\n|---|---|"
        + "---|" * len(PEERS)
    )
    short = []
    for operation, values in found.items():
        own = values["anlage"]
        cells = [f"{median(values[peer] / own, 1)} x" if peer in values else "" for peer in PEERS]
        print(f"| {operation} | {median(own, 3)} | {' | '.join(cells)} |")
        short += [
            f"{operation} against {peer}"
            for peer in PEERS
            if peer in values and np.median(values[peer] / own) < AIM
        ]
    print(f"\nBelow the aim of {AIM:g} x: {', '.join(short) or 'none'}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--dims", type=int, nargs="+", choices=[2, 3], default=[2, 3])
    parser.add_argument("--only", nargs="+", choices=[*OURS, "all of a chain"], default=None)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    print(machine())
    for dims in options.dims:
        images = images_of(dims, options.seed)
        found = {
            operation: timed(changers, options.rounds, len(images), rng)
            for operation, changers in contenders(dims, images).items()
            if options.only is None or operation in options.only
        }
        report(dims, found, options)


if __name__ == "__main__":
    main()
