"""Calls a verb with settings, and dies by SIGKILL when a given batch is asked for.

Run by test_resume.py: ``python killed_at.py VERB STORE OUT BATCH SETTINGS``, the settings as
JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import torch

from anlage.train.feed import FedBatch, Feed
from anlage.train.finetune import finetune
from anlage.train.pretrain import pretrain


def main(verb: str, store: str, out: str, at: int, settings: dict[str, Any]) -> None:
    """Run the verb until it dies."""
    read = Feed.batch

    def batch(self: Feed, number: int) -> FedBatch:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, number)

    Feed.batch = batch
    torch.set_num_threads(1)
    {"pretrain": pretrain, "finetune": finetune}[verb](store, out=out, **settings)


if __name__ == "__main__":
    _, verb, store, out, at, settings = sys.argv
    main(verb, store, out, int(at), json.loads(settings))
