"""Magnetic resonance: numbers without a unit, coil shading, and many ways to move."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="magnetic resonance imaging",
    dims=(2, 3),
    scaling=Scaling(
        kind="foreground_zscore",
        because="MR numbers have no unit: each image gets mean 0 and deviation 1 in its foreground",
        source="R33",
    ),
    crop=Crop(
        scale=(0.4, 1.0),
        least_scale=0.15,
        because="white-matter lesions of a few millimetres fall out of small crops",
        source="R33, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 15},
            limits={"degrees": 45},
            because="heads and limbs lie a little tilted",
            source="R33",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side",
            source="R33",
        ),
        "bias_field": ViewRule(
            transform="bias_field",
            p=0.5,
            params={"coefficient": 0.2},
            limits={"coefficient": 0.7, "order": 3},
            because="receive coils shade the image",
            source="R33; Perez-Garcia et al. 2021",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.5,
            params={"power": 1.5},
            limits={"power": 3.0},
            because="contrast depends on the sequence and its timing",
            source="R33",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="intensity has no absolute meaning",
            source="R33",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.3,
            params={"sigma": 0.03},
            limits={"sigma": 0.1},
            because="noise depends on field strength and time, added after z-scoring",
            source="R33",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.5},
            level="mild",
            because="slice thickness and voxel size vary",
            source="R33",
        ),
    },
    forbidden={
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="MRI has no colour", source="R33"
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="inverting only the bright part makes a contrast that no sequence has",
            source="R33",
        ),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="anatomy has an up and a down that networks need to know where they are",
            source="R33",
        ),
        "flip_ap": Forbidden(
            transform="flip",
            params={"axis": "ap"},
            because="front and back of a body do not mirror each other",
            source="R33",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="heads and limbs lie a little tilted, never turned by 90 degrees",
            source="R33",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        because="60 % to 75 % work equally on brain MRI; the lower share keeps small lesions seen",
        source="R50, R51",
    ),
    shortcuts=("scanner and coil signature", "sequence parameters", "skull stripping or defacing"),
)
