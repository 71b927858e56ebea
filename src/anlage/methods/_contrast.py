"""Normalised-temperature cross-entropy: the loss that contrastive parts share.

Source: Chen et al., SimCLR, ICML 2020, arXiv:2002.05709, equation 1.
Departure: pairs that share a patient are left out of the negatives; the sum runs in fp32
through log-softmax, which cannot overflow, also under autocast.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from anlage.errors import ShapeError
from anlage.methods._gather import first_row, gather
from anlage.methods._precision import full_precision
from anlage.tensors import Scalar

__all__ = ["info_nce", "nt_xent"]


@full_precision
def nt_xent(
    first: Float[Tensor, "B P"],
    second: Float[Tensor, "B P"],
    *,
    patient: Int[Tensor, " B"],
    temperature: float,
) -> Scalar:
    """Contrast two views of B images, over the batches of all processes.

    Args:
        first: Projections of view one, any length.
        second: Projections of view two, row for row of the same images.
        patient: Patient of each image; other images of the same patient are not negatives.
        temperature: Divides cosine similarities; above zero.

    Returns:
        Mean over all 2B views of minus the log-probability of the partner.

    Raises:
        ShapeError: If the views differ in shape or hold fewer than two images.
    """
    if first.shape != second.shape or len(first) < 2:
        raise ShapeError(
            f"nt_xent needs two views of the same B >= 2 images, got shapes "
            f"{tuple(first.shape)} and {tuple(second.shape)}. Raise the batch size."
        )
    own = F.normalize(torch.cat((first, second)), dim=1)  # (2B, P)
    own_patient = patient.repeat(2)
    batch = len(first)
    every = torch.cat((gather(own[:batch]), gather(own[batch:])))  # (2W, P): all firsts, seconds
    every_patient = gather(patient).repeat(2)
    world = len(every) // 2
    rows = torch.arange(batch, device=own.device) + first_row(batch)
    self_column = torch.cat((rows, rows + world))
    partner_column = torch.cat((rows + world, rows))
    excluded = own_patient[:, None] == every_patient[None, :]
    excluded.scatter_(1, self_column[:, None], value=True)
    excluded.scatter_(1, partner_column[:, None], value=False)
    logits = own @ every.T / temperature
    return F.cross_entropy(logits.masked_fill(excluded, -torch.inf), partner_column)


@full_precision
def info_nce(
    query: Float[Tensor, "M P"],
    key: Float[Tensor, "M P"],
    *,
    is_valid: Bool[Tensor, " M"],
    excluded: Bool[Tensor, "M W"],
    temperature: float,
) -> Scalar:
    """Contrast M queries with the keys of all processes; row i belongs to row i.

    Args:
        query: Projections of any length.
        key: Projections of any length; gathered here.
        is_valid: Rows without a partner are neither queries nor negatives.
        excluded: True where key j of all W = world * M keys must not serve as a negative of
            query i. The own key, the positive, is never excluded.
        temperature: Divides cosine similarities; above zero.

    Returns:
        Mean over all valid queries of all processes of minus the log-probability of the own
        key; 0 where none is valid.
    """
    every = gather(F.normalize(key, dim=1))  # (W, P)
    every_valid = gather(is_valid.float())
    own = torch.arange(len(query), device=query.device) + first_row(len(query))
    masked = (excluded | (every_valid == 0)).scatter(1, own[:, None], value=False)
    logits = F.normalize(query, dim=1) @ every.T / temperature
    losses = F.cross_entropy(logits.masked_fill(masked, -torch.inf), own, reduction="none")
    world = len(every) / len(query)
    return (losses * is_valid).sum() * world / every_valid.sum().clamp_min(1)
