"""Alignment: how close the embeddings of two views of one image are."""

from __future__ import annotations

import numpy.typing as npt

from anlage.errors import ShapeError
from anlage.metrics import Value, diagnostic
from anlage.metrics.representation._embeddings import embeddings, on_sphere

__all__ = ["alignment_error"]


@diagnostic(label="alignment", direction="lower", bounds=(0.0, 4.0))
def alignment_error(first: npt.ArrayLike, second: npt.ArrayLike) -> Value:
    """Mean squared distance on the sphere between two views of the same images.

    0 is also what a collapsed encoder scores: read it beside `uniformity`.

    Args:
        first: Embeddings of one view of each image, (N, E).
        second: Embeddings of another view of the same images, in the same order, (N, E).

    Raises:
        ShapeError: If they are not two (N, E) of one shape.
        DataError: If a value is not finite.

    Source:
        Wang and Isola, ICML 2020, arXiv:2005.10242, with alpha = 2.
    """
    left, right = on_sphere(embeddings(first, least=1)), on_sphere(embeddings(second, least=1))
    if left.shape != right.shape:
        raise ShapeError(
            f"both views must have embeddings of one shape, got {left.shape} and {right.shape}. "
            "Embed the same images twice, in the same order."
        )
    distance = float(((left - right) ** 2).sum(axis=1).mean())
    return Value(value=distance, parts=(distance,), num_cases=len(left))
