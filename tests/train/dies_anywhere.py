"""Trains a toy in many child processes, each killed somewhere, until every run has finished.

Run by test_resume.py: ``python dies_anywhere.py FOLDER``. Prints one line of JSON: the hashes
of the final weights of all runs, and how often they died, and where.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from anlage.tensors import MethodOutput
from anlage.train.distributed import World
from anlage.train.loop import LoopConfig, fit
from anlage.train.signals import Stop

RUNS = 8
CONFIG = LoopConfig(
    steps=20, batch_size=8, checkpoint_every=3, log_every=1, average=0.9, precision="fp32"
)


class Network(nn.Module):
    """Batch norm, dropout and a teacher: all that has a state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3))
        self.teacher = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3))
        self.teacher.requires_grad_(requires_grad=False)
        self.teachers = ((self.body, self.teacher),)

    def forward(self, images: torch.Tensor) -> MethodOutput:
        embedding = self.body(images)
        error = (embedding - self.teacher(images) - images.sum()).square().mean()
        return MethodOutput.from_parts(error=error, embedding=embedding)


def batch(number: int) -> torch.Tensor:
    return torch.sin(torch.arange(48.0).reshape(8, 6) * (number + 1))


def train(folder: Path, events_to_live: int | None) -> str:
    """Train to the end, or die at one of the events: a batch, a flush, a rename, a removal."""
    left = events_to_live

    def event() -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def watched(work):
        def call(*args, **kwargs):
            event()
            return work(*args, **kwargs)

        return call

    os.fsync = watched(os.fsync)
    os.unlink = watched(os.unlink)
    Path.rename = watched(Path.rename)
    Path.mkdir = watched(Path.mkdir)
    torch.manual_seed(0)
    network = Network()
    fit(network, watched(batch), CONFIG, folder=folder, world=World(), stop=Stop())
    content = b"".join(t.numpy().tobytes() for t in network.state_dict().values())
    return hashlib.sha256(content).hexdigest()


def main(root: Path) -> None:
    """Print the hash of a run that is left alone, of all others, and the number of deaths."""
    torch.set_num_threads(1)
    once = CONFIG.model_copy(update={"steps": 1})
    fit(Network(), batch, once, folder=None, world=World(), stop=Stop())  # imports, for all
    luck = random.Random(7)
    deaths, hashes = 0, []
    for number in range(RUNS + 1):
        folder = root / str(number)
        folder.mkdir()
        for attempt in range(40):
            # The first run is left alone; the others get a little further with every attempt.
            life = None if number == 0 else luck.randrange(3, 30 + 10 * attempt)
            child = os.fork()
            if child == 0:
                (root / f"{number}.sha").write_text(train(folder, life))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if os.WIFEXITED(status):
                break
            deaths += 1
        hashes.append((root / f"{number}.sha").read_text())
    print(json.dumps({"deaths": deaths, "hashes": hashes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
