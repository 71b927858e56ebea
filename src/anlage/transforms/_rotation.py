"""Rotation matrices from angles: one plane in 2D, three in 3D."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["num_angles", "rotation"]


def num_angles(dims: int) -> int:
    """Return how many angles turn an image: one in 2D, three in 3D."""
    return dims * (dims - 1) // 2


def rotation(degrees: Float[Tensor, "B angles"], *, dims: int) -> Float[Tensor, "B d d"]:
    """Multiply the turns in the planes (0, 1), (0, 2) and (1, 2), each by its own angle."""
    angles = torch.deg2rad(degrees)
    planes = [(0, 1)] if dims == 2 else [(0, 1), (0, 2), (1, 2)]
    turn = torch.eye(dims, device=angles.device, dtype=angles.dtype)
    turn = turn.expand(len(angles), dims, dims)
    for number, (first, second) in enumerate(planes):
        turn = turn @ _plane_turn(angles[:, number], first, second, dims)
    return turn


def _plane_turn(angle: Tensor, first: int, second: int, dims: int) -> Tensor:
    turn = torch.eye(dims, device=angle.device, dtype=angle.dtype).repeat(len(angle), 1, 1)
    turn[:, first, first] = turn[:, second, second] = angle.cos()
    turn[:, first, second] = -angle.sin()
    turn[:, second, first] = angle.sin()
    return turn
