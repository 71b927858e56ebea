"""A store in memory, with the targets that a test wants."""

import numpy as np
import pytest


class TargetStore:
    """As much of a store as a task reads."""

    def __init__(self, *, labels=None, masks=(), spacing=(1.0, 1.0)):
        self._labels = labels or {}
        self._masks = list(masks)
        count = len(self._masks) or len(next(iter(self._labels.values()), ()))
        self.spacing_mm = np.array([spacing] * count, dtype=np.float32)
        self.has_mask = np.array([m is not None for m in self._masks] or [False] * count)

    @property
    def label_names(self):
        return list(self._labels)

    def __len__(self):
        return len(self.spacing_mm)

    def labels(self, name):
        return self._labels[name]

    def mask(self, row):
        return self._masks[row]

    def shape(self, row):
        return (1, *self._masks[row].shape)


@pytest.fixture
def targets():
    return TargetStore


@pytest.fixture
def records():
    """Make records of some rows from a function row -> output."""
    import polars as pl

    def make(task, rows, answer):
        return pl.DataFrame(
            [{"row": row, **task.record(row, answer(row))} for row in rows],
            infer_schema_length=None,
        )

    return make
