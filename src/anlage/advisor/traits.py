"""What the advisor knows of methods beyond their paradigm, by name.

A method that is not named here, such as a new plug-in, is read as its paradigm usually is.
"""

from __future__ import annotations

__all__ = ["contrasts_within_batch", "is_image_level_contrast", "is_joint_embedding"]

_BATCH_NEGATIVES = frozenset({"simclr", "contrastive", "nnclr", "supcon", "micle"})
_LOCAL_CONTRAST = frozenset(
    {"dense_contrast", "pixel_contrast", "pixpro", "densecl", "local_decoder", "superpixel"}
    | {"voco", "slice_position", "pcl", "pix2rep", "vader"}
)
_JOINT = frozenset(
    {"byol", "simsiam", "barlow_twins", "vicreg", "dino", "dinov2", "ibot", "jepa", "i_jepa"}
    | {"swav", "cass"}
)


def contrasts_within_batch(method: str) -> bool:
    """Whether a method's negatives are the other images of its batch, so that small ones hurt."""
    return method in _BATCH_NEGATIVES


def is_image_level_contrast(method: str, paradigm: str) -> bool:
    """Whether a method contrasts whole images, not places."""
    return paradigm == "contrastive" and method not in _LOCAL_CONTRAST


def is_joint_embedding(method: str, paradigm: str) -> bool:
    """Whether a method makes views of one image agree, with or without negatives."""
    return method in _JOINT or is_image_level_contrast(method, paradigm)
