"""Which number format training computes in: bf16 where it is fast and right, else fp32."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch

from anlage.errors import ConfigError

__all__ = ["Precision", "autocast", "settled_precision"]

Precision = Literal["fp32", "bf16"]

_LEAST_EDGE = 32  # the total stride of the deepest encoders: no convolution halves a map of edge 1


def settled_precision(
    wanted: Literal["auto", "fp32", "bf16"], size: Sequence[int], device: torch.device
) -> Precision:
    """Decide what to compute in.

    On CPUs, bf16 gradients of some convolutions on small maps are memory that was never written
    (torch 2.15 with oneDNN on AVX512-BF16: kernel 3, in 3D on maps whose first edge is 2, and
    with stride 2 on maps whose last edge is 1). So volumes and tiny images stay in fp32 there.

    Args:
        wanted: ``auto`` takes bf16 where the device is fast with it and it is right.
        size: Edges of a view in pixels.
        device: Where training runs.

    Raises:
        ConfigError: If bf16 is asked for where its gradients are wrong.
    """
    is_right = device.type != "cpu" or (len(size) == 2 and min(size) >= _LEAST_EDGE)
    if wanted == "bf16" and not is_right:
        raise ConfigError(
            f"bf16 on a CPU needs 2D views of at least {_LEAST_EDGE} pixels, since its gradients "
            f"are wrong on small maps, got views of {'x'.join(map(str, size))}. Use "
            "precision=auto or fp32."
        )
    if wanted == "auto":
        return "bf16" if is_right and _is_fast(device) else "fp32"
    return wanted


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which a forward pass runs."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def _is_fast(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    units = torch.cpu.get_capabilities()
    return bool(units.get("avx512_bf16") or units.get("amx_bf16"))
