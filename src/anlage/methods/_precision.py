"""Losses are computed in full precision, whatever the encoder ran in.

Autocast rounds every matrix product to 16 bits, also those inside a loss: similarities about to
be divided by a small temperature, covariances, millimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

__all__ = ["full_precision", "widen"]

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def full_precision(function: _FunctionT) -> _FunctionT:
    """Run a function without autocast, its floating tensors widened to fp32 at least."""

    @wraps(function)
    def precise(*args: Any, **kwargs: Any) -> Any:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        with torch.autocast(tensors[0].device.type, enabled=False):
            return function(
                *(_widen_any(value) for value in args),
                **{name: _widen_any(value) for name, value in kwargs.items()},
            )

    return cast(_FunctionT, precise)


def widen(values: Tensor) -> Tensor:
    """Return floating-point values in fp32, or in fp64 if they are that already."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _widen_any(value: Any) -> Any:
    return widen(value) if isinstance(value, Tensor) and value.is_floating_point() else value
