"""Ultrasound: a fan of echoes whose geometry, grain and shadows are part of the message."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="ultrasound",
    dims=(2,),
    scaling=Scaling(
        kind="display",
        because="the machine's grey map is all there is",
        source="R35",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.3,
        because="crops must stay inside the beam and keep the lesion with its shadow",
        source="R35, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 20},
            level="mild",
            because="the probe is tilted by a few degrees; depth must stay down",
            source="R35",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="the probe can be held either way round, unless the label names a side",
            source="R35",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.15, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="gain is set by hand",
            source="R35",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.5,
            params={"power": 1.4},
            limits={"power": 2.5},
            because="dynamic range is set by hand",
            source="R35",
        ),
        "speckle": ViewRule(
            transform="speckle",
            p=0.5,
            params={"sigma": 0.2, "grain": 2},
            limits={"sigma": 0.5, "grain": 4},
            because="speckle is multiplicative and changes with every frame",
            source="R35; VanBerlo et al. 2025",
        ),
    },
    forbidden={
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="depth runs down: shadow and enhancement would lie above the lesion",
            source="R35",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="depth would no longer run down",
            source="R35",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation",
            because="grey echoes have no colour, and Doppler colour is a measurement",
            source="R35",
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="it turns bright echoes into black fluid",
            source="R35",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        because="speckle cannot be predicted from far away, so less is hidden than in photographs",
        source="R52, R53",
    ),
    shortcuts=("calipers and measurement marks", "burned-in text", "depth and machine preset"),
    notes=("Calipers are drawn on lesions by the examiner: mask them, or the label leaks.",),
)
