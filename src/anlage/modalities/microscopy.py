"""Microscopy of cells: no up or down; dyes and exposure are set by hand."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="microscopy of cells",
    dims=(2, 3),
    scaling=Scaling(
        kind="display",
        because="8-bit pictures are kept; deeper ones are spread over their own range",
        source="R34",
    ),
    crop=Crop(
        scale=(0.4, 1.0),
        least_scale=0.1,
        because="cells of interest are few and fall out of small crops",
        source="R41",
    ),
    views={
        "quarter_turn": ViewRule(
            transform="quarter_turn",
            p=1.0,
            because="cells have no canonical pose",
            source="R34",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="cells have no canonical pose",
            source="R34",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="exposure is set by hand",
            source="R34",
        ),
        "hue_saturation": ViewRule(
            transform="hue_saturation",
            p=0.5,
            params={"hue_degrees": 6, "saturation": 0.2},
            limits={"hue_degrees": 15, "saturation": 0.4},
            level="mild",
            because="dyes vary between batches, but each dye keeps its colour",
            source="R34",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.3,
            params={"sigma": 0.03},
            limits={"sigma": 0.1},
            because="cameras are noisy at low light",
            source="R34",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 1.0)},
            limits={"sigma": 2.0},
            because="cells lie out of focus",
            source="R34",
        ),
    },
    forbidden={
        "solarize": Forbidden(
            transform="solarize",
            because="bright background and dark nuclei would swap",
            source="R34",
        ),
        "grayscale": Forbidden(
            transform="grayscale",
            because="dye colour tells nucleus from cytoplasm and granules",
            source="R34",
        ),
    },
    corruption=Corruption(
        ratio=0.75,
        unit=0.125,
        because="texture repeats, so much can be hidden",
        source="R52",
    ),
    shortcuts=("plate, well and batch", "illumination of one microscope", "focus"),
)
