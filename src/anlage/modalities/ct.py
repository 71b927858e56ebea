"""Computed tomography: values are Hounsfield units, and every change of them has a meaning."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="computed tomography",
    dims=(2, 3),
    scaling=Scaling(
        kind="hu",
        windows={
            "wide": (-500.0, 500.0),
            "soft": (-175.0, 250.0),
            "lung": (-1000.0, 400.0),
            "bone": (-500.0, 1300.0),
            "full": (-1024.0, 3071.0),
        },
        because="Hounsfield units are kept; the window is chosen per task, never per image",
        source="R32",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        aspect=(0.9, 1.1),
        least_scale=0.2,
        because="nodules of a few millimetres fall out of small crops",
        source="R32, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 30},
            because="patients lie a little tilted",
            source="R32",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side or a one-sided organ",
            source="R32",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.5,
            params={"sigma": 0.05},
            limits={"sigma": 0.15},
            because="dose sets the noise",
            source="R32; Jiang et al. 2024",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.5},
            because="smooth and sharp reconstruction kernels are both in use",
            source="R32; Jiang et al. 2024",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.5,
            params={"brightness": 0.02, "contrast": 0.05},
            limits={"brightness": 0.05, "contrast": 0.1},
            level="mild",
            because="only calibration drift and contrast agent; more would change the tissue",
            source="R32",
        ),
    },
    forbidden={
        "gamma": Forbidden(
            transform="gamma",
            because="it bends the Hounsfield scale, so one value no longer means one tissue",
            source="R32",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="CT has no colour", source="R32"
        ),
        "solarize": Forbidden(transform="solarize", because="it turns bone into air", source="R32"),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="gravity and anatomy fix up and down: fluid levels would hang from the top",
            source="R32",
        ),
        "flip_ap": Forbidden(
            transform="flip",
            params={"axis": "ap"},
            because="gravity acts from front to back: fluid levels would hang from the front",
            source="R32",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="patients lie a little tilted, never on their head or side by 90 degrees",
            source="R32",
        ),
        "bias_field": Forbidden(
            transform="bias_field",
            because="CT has no receive coil; a shading would fake densities",
            source="R32",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        because="0.4 to 0.75 work for CT; a hidden block should not exceed half a lesion",
        source="R50",
    ),
    shortcuts=("table and positioning aids", "contrast agent", "reconstruction kernel"),
    notes=(
        "Choose the window that your task is read in: lung for nodules, soft for abdomen.",
        "8-bit pictures of CT are already windowed: they are stored as pictures, not as HU.",
    ),
)
