"""Trains every method for a few steps in two processes, and then alone at the same batch.

Run by test_distributed.py under torchrun: ``two_processes.py OUT``. Writes the final state of
each run as OUT/one-NAME.safetensors and OUT/two-NAME.safetensors, and OUT/facts-RANK.json.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from anlage import plugins
from anlage.encoders import build_encoder
from anlage.methods import Method
from anlage.tensors import Views
from anlage.train.distributed import World, join_world
from anlage.train.loop import LoopConfig, Outcome, fit
from anlage.train.signals import Stop

METHODS: dict[str, dict[str, Any]] = {
    "simclr": {"hidden_width": 16, "projection_width": 8},
    "vicreg": {"projection_width": 8},
    "mae": {},
    "aligned_mae": {"hidden_width": 16, "projection_width": 8, "places_per_axis": 3},
}
BATCH = 8  # images of a micro-batch, over all processes
SIZE = (32, 48)


def build(name: str, encoder: str) -> Method:
    """Build a method in double precision, so that only real differences show."""
    torch.manual_seed(0)
    options = {"base_width": 8, "norm": "batch"} if encoder == "resnet10" else {"patch": 16}
    built = build_encoder(encoder, dims=2, channels=1, image_size=SIZE, options=options)
    plugin = plugins.load("methods", name)
    return plugin(built, plugin.Config(**METHODS[name])).double()


def views_of(method: Method, number: int, world: World) -> Views:
    """Return this process's rows of global batch ``number``; patients lie in both processes."""
    generator = torch.Generator().manual_seed(number)
    own = slice(world.rank * BATCH // world.size, (world.rank + 1) * BATCH // world.size)
    shared = torch.randn(BATCH, 1, *SIZE, generator=generator, dtype=torch.float64)
    images, geometry, masks = [], [], []
    for view in range(method.spec.num_views):
        noise = torch.randn(shared.shape, generator=generator, dtype=torch.float64)
        half = torch.diag(torch.tensor([20.0, 30.0], dtype=torch.float64))
        centre = 6 * torch.rand(BATCH, 2, 1, generator=generator, dtype=torch.float64) + view
        order = torch.rand(BATCH, 6, generator=generator).argsort(dim=1)
        images.append((shared + 0.3 * noise)[own])
        geometry.append(torch.cat((half.expand(BATCH, 2, 2), centre), dim=2)[own])
        masks.append((order < 3).reshape(BATCH, 2, 3)[own])
    return Views(
        images=tuple(images),
        geometry=tuple(geometry),
        masks=tuple(masks) if method.spec.is_masked else (),
        sample=torch.arange(BATCH)[own],
        patient=torch.tensor([0, 1, 2, 2, 3, 2, 4, 1])[own],
    )


def train(name: str, encoder: str, world: World, **settings: Any) -> dict[str, Tensor]:
    """Train three steps and return the state."""
    method = build(name, encoder)
    config = LoopConfig(**{"steps": 3, "average": 0.5, "precision": "fp32", **settings})
    outcome = fit(
        method,
        lambda number: views_of(method, number, world),
        config,
        folder=None,
        world=world,
        stop=Stop(),
    )
    assert outcome.status == "finished"
    return {key: value.detach().clone() for key, value in method.state_dict().items()}


def runs(world: World) -> dict[str, dict[str, Tensor]]:
    """Return the final states of all runs."""
    found = {name: train(name, "resnet10", world) for name in METHODS}
    found["aligned_mae-vit"] = train("aligned_mae", "vit_tiny", world, steps=2)
    found["simclr-accumulate"] = train("simclr", "resnet10", world, accumulate=2)
    return found


def disturbed(world: World, *, spoilt_by: int | None, stopped_by: int | None) -> Outcome:
    """Train while one process alone meets a batch that is no number, or a signal."""
    method = build("simclr", "resnet10")
    stop = Stop()

    def batch(number: int) -> Views:
        views = views_of(method, number, world)
        if number == 1 and world.rank == stopped_by:
            stop.exit_code = 143
        if number == 1 and world.rank == spoilt_by:
            spoilt = views.images[0].clone()
            spoilt[0, 0, 0, 0] = math.nan
            return replace(views, images=(spoilt, *views.images[1:]))
        return views

    config = LoopConfig(steps=4, precision="fp32")
    outcome = fit(method, batch, config, folder=None, world=world, stop=stop)
    assert all(value.isfinite().all() for value in method.state_dict().values())
    return outcome


def heard(world: World) -> None:
    """Train with a progress line."""
    fit(
        build("simclr", "resnet10"),
        lambda number: views_of(build("simclr", "resnet10"), number, world),
        LoopConfig(steps=2, batch_size=BATCH // world.size, precision="fp32"),
        folder=None,
        world=world,
        stop=Stop(),
        what="two together",
    )


def main(out: Path) -> None:
    """Make all runs in two processes, then, in the first one, alone."""
    torch.set_num_threads(1)
    with join_world("cpu", timeout_s=60) as world:
        two = runs(world)
        stopped = disturbed(world, spoilt_by=None, stopped_by=1)
        spoilt = disturbed(world, spoilt_by=1, stopped_by=None)
        heard(world)
        facts = {
            "world": [world.rank, world.size],
            "largest": world.largest(world.rank, -world.rank),
            "mean": world.mean(world.rank, 5.0),
            "stopped": [stopped.status, stopped.step, stopped.exit_code],
            "spoilt": [spoilt.status, spoilt.step],
        }
    (out / f"facts-{world.rank}.json").write_text(json.dumps(facts))
    if world.rank == 0:
        for kind, found in (("two", two), ("one", runs(World()))):
            for name, state in found.items():
                save_file(
                    {k: v.contiguous() for k, v in state.items()},
                    out / f"{kind}-{name}.safetensors",
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
