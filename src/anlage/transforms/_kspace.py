"""Images as an MR scanner measures them: k-space is filled line by line, the magnitude is shown.

A line is all of k-space at one frequency along the phase-encoding axis: what is measured at one
time. What is done to whole lines needs a Fourier transform along that axis alone. Frequencies are
whole numbers of waves per edge, zero first, as the FFT orders them.

Source: McRobbie et al., "MRI from Picture to Proton", 3rd ed., 2017, on k-space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from anlage.tensors import Images
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["draw_axis", "frequencies", "measured"]

# From rows of the batch and the frequencies of lines: what each source gives to each line.
Weigh = Callable[[Int[Tensor, " b"], Int[Tensor, " L"]], Sequence[Float[Tensor, "b L"]]]


def draw_axis(draws: Draws, dims: int) -> Float[Tensor, " B"]:
    """Draw the phase-encoding axis of each image, from 0, on the host, where images are sorted."""
    on_host = replace(draws, device=torch.device("cpu"))
    return on_host.whole("axis", 1, 0, dims - 1)[:, 0]


def frequencies(edge: int, device: torch.device) -> Int[Tensor, " L"]:
    """Return waves per edge in the FFT's order: 0, 1, ..., -2, -1; -L / 2 where L is even."""
    middle = edge // 2
    return (torch.arange(edge, device=device) + middle) % edge - middle


def measured(sources: Sequence[Images], weigh: Weigh, axis: Float[Tensor, " B"]) -> Images:
    """Fill the lines of k-space from one or more images and show the magnitude.

    Args:
        sources: Images of one shape and type, (B, C, *S): the same anatomy in several poses.
        weigh: Gives what of each line comes from each source.
        axis: Phase-encoding axis of each image.

    Returns:
        Images of that shape and type.
    """
    first = sources[0]
    shown = torch.empty_like(first)
    for number, edge in enumerate(first.shape[2:]):
        rows = (axis == number).nonzero()[:, 0].to(first.device)
        if not len(rows):
            continue
        shape = [edge if n == number + 2 else 1 for n in range(1, first.ndim)]
        kspace = torch.zeros((), device=first.device)
        weights = weigh(rows, frequencies(edge, first.device))
        for source, share in zip(sources, weights, strict=True):
            lines = torch.fft.fft(widened(source[rows]), dim=number + 2)
            kspace = kspace + lines * share.reshape(-1, *shape)
        shown[rows] = torch.fft.ifft(kspace, dim=number + 2).abs().to(first.dtype)
    return shown
