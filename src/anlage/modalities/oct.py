"""Optical coherence tomography: layers of the retina, top to bottom, with speckle."""

from __future__ import annotations

from anlage.modalities import (
    Artefact,
    Corruption,
    Crop,
    Forbidden,
    Hint,
    Pairs,
    Policy,
    Scaling,
    Shortcut,
    ViewRule,
)

__all__ = ["POLICY"]

POLICY = Policy(
    title="optical coherence tomography",
    dims=(2, 3),
    colour="grey",
    scaling=Scaling(
        kind="display",
        because="devices store a logarithm of the echo with their own range",
        source="R38; physics",
    ),
    crop=Crop(
        scale=(0.6, 1.0),
        least_scale=0.3,
        because="all layers must stay in the view, and fluid between them is small",
        source="R38, R41",
    ),
    views={
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="layers stay in order; only the side of the eye changes",
            source="R38",
        ),
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 5},
            limits={"degrees": 15},
            level="mild",
            because="the retina lies a little tilted in the scan",
            source="R38",
        ),
        "speckle": ViewRule(
            transform="speckle",
            p=0.5,
            params={"sigma": 0.2, "grain": 2},
            limits={"sigma": 0.4, "grain": 3},
            because="speckle changes from scan to scan and with averaging",
            source="R38; Schmitt 1999",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.2},
            limits={"brightness": 0.25, "contrast": 0.5},
            because="signal strength varies with the pupil and the lens",
            source="physics",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.3,
            params={"power": 1.3},
            limits={"power": 2.0},
            level="mild",
            because="devices map the echo to grey in different ways",
            source="physics",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.2,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.2},
            level="avoid",
            because="it merges layers that are a few pixels thick",
            source="R38",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.08, "shear_degrees": 3.0},
            limits={"scale": 1.2, "shear_degrees": 8.0},
            level="mild",
            because="eyes differ in length, and the retina slants",
            source="R38",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 1.5, "axes": "one"},
            limits={"factor": 2.0},
            level="avoid",
            because="it merges layers that are a few pixels thick",
            source="R38",
        ),
        "shadow": ViewRule(
            transform="shadow",
            p=0.2,
            params={"darkening": 0.4, "width": (0.01, 0.05)},
            limits={"darkening": 0.7, "width": 0.1},
            dims=(2,),
            level="mild",
            because="vessels and floaters cast shadows",
            source="physics",
        ),
    },
    forbidden={
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="layers have an order: vitreous above, choroid below",
            source="R38",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn", because="layers run from side to side", source="R38"
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="OCT has no colour", source="R38"
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="the bright pigment layer would turn into dark fluid",
            source="R38",
        ),
    },
    corruption=Corruption(
        ratio=0.75,
        unit=0.125,
        unit_mm=0.4,
        because="layers go on under what is hidden, so much can be hidden",
        source="R52",
    ),
    pairs=Pairs(
        positive="study",
        never=("left and right eye", "scans before and after treatment"),
        because="neighbouring sections of one volume show one state",
        source="R16, R17, R38",
    ),
    artefacts={
        "speckle": Artefact(
            transform="speckle",
            strengths=({"sigma": 0.15}, {"sigma": 0.3}, {"sigma": 0.5}),
            because="fewer sections averaged",
            source="Schmitt 1999",
        ),
        "weak_signal": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.1, "contrast": 0.2},
                {"brightness": 0.2, "contrast": 0.4},
                {"brightness": 0.25, "contrast": 0.6},
            ),
            because="cataract, dry eye",
            source="physics",
        ),
        "floaters": Artefact(
            transform="shadow",
            strengths=(
                {"darkening": 0.4, "width": (0.02, 0.1)},
                {"darkening": 0.7, "width": (0.02, 0.1)},
                {"darkening": 0.95, "width": (0.02, 0.1)},
            ),
            because="floaters, blinks",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="device: its speckle, range and image size",
            remedy="test on a device that training has not seen",
            source="De Fauw 2018; R72",
        ),
        Shortcut(
            what="scan protocol: ill eyes get denser scans",
            remedy="predict the protocol from frozen features, and report strata",
            source="R73",
        ),
    ),
    hints={
        "slices": Hint(
            says="Three neighbouring sections as channels gain much of what volumes give.",
            source="R38",
        ),
        "eye": Hint(
            says="If labels name the eye or nasal and temporal sides, name laterality among "
            "task_needs.",
            source="R38",
        ),
    },
    notes=("Pixels are far finer in depth than sideways: give the spacing where you know it.",),
)
