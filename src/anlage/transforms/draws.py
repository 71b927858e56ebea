"""Random numbers as a pure function of (seed, epoch, sample, view, purpose, number).

No generator carries state, so a run does not depend on workers, ranks or batch composition,
and a resumed run draws exactly what the uninterrupted one would have drawn.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: the
Philox-4x32-10 counter-based generator, tested against the authors' known answers.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["Draws", "philox4x32"]

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
_STEP = 2.0**-23  # uniform numbers are odd multiples of half a step: exact in float32, never 0 or 1
_CHUNK = {"cpu": 1 << 15, "other": 1 << 21}  # counters scrambled at a time: what fits a cache

Words = npt.NDArray[np.uint64]


def philox4x32(counter: Words, key: Words) -> Words:
    """Scramble counters with ten Philox rounds.

    Args:
        counter: (4, n) numbers below 2**32, in 64-bit words.
        key: (2, n) numbers below 2**32, in 64-bit words.

    Returns:
        (4, n) numbers below 2**32 that pass for independent random words.
    """
    return np.stack(_scrambled(list(counter), list(key)))


def _scrambled(counter: Sequence[Any], key: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """Scramble four words with two keys: arrays or tensors that broadcast to one shape.

    Tensors are signed: their products wrap around and keep the right 64 bits, which the masks
    read as if they were unsigned.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product_a, product_b = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            ((product_b >> 32) & _LOW) ^ c1 ^ k0,
            product_b & _LOW,
            ((product_a >> 32) & _LOW) ^ c3 ^ k1,
            product_a & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The random numbers of one view of one batch.

    Attributes:
        seed: Seed of the run, 0 to 2**32 - 1.
        epoch: Pass over the data that each image of the batch belongs to, (B,).
        sample: Index of each image in its store, (B,).
        view: Number of the view.
        scope: Who draws; two scopes never share a number.
        device: Where the drawn tensors go.
    """

    seed: int
    epoch: npt.NDArray[np.int64]
    sample: npt.NDArray[np.int64]
    view: int = 0
    scope: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def within(self, scope: str) -> Draws:
        """Return the same draws for a named part of the work."""
        return replace(self, scope=f"{self.scope}/{scope}")

    def rows(self, chosen: npt.NDArray[np.int64]) -> Draws:
        """Return the draws of some images of the batch, given by their places in it."""
        return replace(self, epoch=self.epoch[chosen], sample=self.sample[chosen])

    def uniform(
        self, what: str, count: int = 1, low: float = 0.0, high: float = 1.0
    ) -> Float[Tensor, "B count"]:
        """Draw numbers between ``low`` and ``high``, (B, count); never exactly 0 or 1."""
        unit = ((self._words(what, count) >> 9).astype(np.float64) + 0.5) * _STEP
        values = torch.from_numpy((low + (high - low) * unit).astype(np.float32))
        return values.to(self.device)

    def whole(self, what: str, count: int, low: int, high: int) -> Float[Tensor, "B count"]:
        """Draw whole numbers from ``low`` to ``high``, both included, (B, count)."""
        return self.uniform(what, count, low, high + 1).floor().clamp_(max=high)

    def happens(self, what: str, p: float) -> Bool[Tensor, " B"]:
        """Draw for each image whether something of probability ``p`` happens, (B,)."""
        return self.uniform(what)[:, 0] < p

    def normal_field(self, what: str, shape: tuple[int, ...]) -> Float[Tensor, "B ..."]:
        """Draw a standard normal field per image, (B, *shape), on the device itself.

        Source: Box and Muller, Ann. Math. Statist. 29(2), 1958. The words are the same on every
        device; logarithm and cosine may differ in the last bit.
        """
        total = math.prod(shape)
        blocks = -(-total // 4)
        values = torch.empty(len(self.sample), blocks * 4, device=self.device)
        at_once = _CHUNK["cpu" if self.device.type == "cpu" else "other"]
        share = max(1, at_once // blocks)
        for start in range(0, len(values), share):
            own = self.rows(np.arange(start, min(start + share, len(values))))
            first, second, third, fourth = own._blocks(f"{what} field", blocks)
            radius = torch.stack((first, second), dim=1).log().mul_(-2).sqrt_()  # (b, 2, blocks)
            angle = torch.stack((third, fourth), dim=1).mul_(2 * math.pi)
            normal = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1)
            values[start : start + share] = normal.flatten(1)
        return values[:, :total].reshape(-1, *shape)

    def _words(self, what: str, count: int) -> Words:
        blocks = -(-count // 4)
        words: Words = np.stack(_scrambled(*self._counters(what, blocks)), axis=-1)
        return words.reshape(len(self.sample), blocks * 4)[:, :count]

    def _blocks(self, what: str, blocks: int) -> tuple[Float[Tensor, "B blocks"], ...]:
        """Return four uniform numbers per block, scrambled on the device they are wanted on."""
        counter, key = self._counters(what, blocks)
        if self.device.type == "cpu":  # where numpy multiplies whole numbers twice as fast
            words = [_tensor(word) for word in _scrambled(counter, key)]
        else:
            moved = [_tensor(part).to(self.device) for part in (*counter, *key)]
            words = list(_scrambled(moved[:4], moved[4:]))
        return tuple((word >> 9).float().add_(0.5).mul_(_STEP) for word in words)

    def _counters(self, what: str, blocks: int) -> tuple[list[Words], list[Words]]:
        """Return four counters and two keys that broadcast to (B, blocks)."""
        purpose = zlib.crc32(f"{self.scope}/{what}".encode())
        sample, epoch = (part.astype(np.uint64)[:, None] for part in (self.sample, self.epoch))
        number = np.arange(blocks, dtype=np.uint64)[None]
        view, purposes, seed = (
            np.array([[value]], dtype=np.uint64) for value in (self.view, purpose, self.seed & _LOW)
        )
        return [sample, number, view, purposes], [seed, epoch]


def _tensor(words: Words) -> Tensor:
    return torch.from_numpy(words.view(np.int64))
