"""Histology: no up or down, and colour that comes from two or three stains."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="histology (stained tissue)",
    dims=(2,),
    scaling=Scaling(kind="display", because="slide scanners give 8-bit colour", source="R34"),
    crop=Crop(
        scale=(0.3, 1.0),
        least_scale=0.1,
        because="below that a tile holds single nuclei and loses the tissue's architecture",
        source="R34",
    ),
    views={
        "quarter_turn": ViewRule(
            transform="quarter_turn",
            p=1.0,
            because="tissue has no canonical pose",
            source="R34",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="tissue has no canonical pose",
            source="R34",
        ),
        "hue_saturation": ViewRule(
            transform="hue_saturation",
            p=0.8,
            params={"hue_degrees": 6, "saturation": 0.2},
            limits={"hue_degrees": 12, "saturation": 0.4},
            level="mild",
            because="stains vary between laboratories, but only along the stain colours",
            source="R34",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.2},
            limits={"brightness": 0.25, "contrast": 0.5},
            because="section thickness and lamp vary",
            source="R34",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 1.0)},
            limits={"sigma": 2.0},
            level="mild",
            because="scanners lose focus locally",
            source="R34",
        ),
    },
    forbidden={
        "grayscale": Forbidden(
            transform="grayscale",
            because="the stain is the signal: without it nuclei and cytoplasm look alike",
            source="R34",
        ),
        "solarize": Forbidden(
            transform="solarize", because="it makes colours that no stain has", source="R34"
        ),
    },
    corruption=Corruption(
        ratio=0.75,
        unit=0.125,
        because="texture repeats, so much can be hidden",
        source="R52",
    ),
    shortcuts=("stain batch and scanner colour", "pen marks", "tissue folds and slide edges"),
)
