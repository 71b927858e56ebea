"""Microscopy of cells: no up or down; dyes and exposure are set by hand."""

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
    title="microscopy of cells",
    dims=(2, 3),
    colour="either",
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
        "poisson_noise": ViewRule(
            transform="poisson_noise",
            p=0.3,
            params={"sigma": 0.04},
            limits={"sigma": 0.15},
            because="light is counted photon by photon",
            source="physics",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.1, "shear_degrees": 0.0},
            limits={"scale": 1.3, "shear_degrees": 5.0},
            level="mild",
            because="objectives and pixel sizes differ",
            source="physics",
        ),
        "vignette": ViewRule(
            transform="vignette",
            p=0.2,
            params={"darkening": 0.2},
            limits={"darkening": 0.5, "offset": 0.2},
            dims=(2,),
            level="mild",
            because="illumination is uneven",
            source="physics",
        ),
        "colour_temperature": ViewRule(
            transform="colour_temperature",
            p=0.3,
            params={"mired": 10.0, "tint": 0.01},
            limits={"mired": 30.0, "tint": 0.05},
            level="mild",
            because="lamps differ and age",
            source="physics",
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
        unit_mm=0.008,
        background="bright",
        because="texture repeats, so much can be hidden; a block is a nucleus wide",
        source="R52",
    ),
    pairs=Pairs(
        positive="image",
        negative_within_patient=True,
        never=("cells of one smear: they are of many classes",),
        because="one sample holds cells of every class, so its images do differ",
        source="anatomy",
    ),
    artefacts={
        "defocus": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.7, 0.7)}, {"sigma": (1.3, 1.3)}, {"sigma": (2.0, 2.0)}),
            because="cells lie out of focus",
            source="physics",
        ),
        "low_light": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.03}, {"sigma": 0.06}, {"sigma": 0.1}),
            because="short exposure spares the cells",
            source="physics",
        ),
        "photons": Artefact(
            transform="poisson_noise",
            strengths=(
                {"sigma": 0.03},
                {"sigma": 0.08},
                {"sigma": 0.15},
            ),
            because="short exposure",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="plate, well and batch",
            remedy="split by plate, and predict it from frozen features",
            source="R73",
        ),
        Shortcut(
            what="illumination of one microscope",
            remedy="compare with a probe that sees the background alone",
            source="R73",
        ),
        Shortcut(what="focus", remedy="report strata of sharpness", source="R72"),
    ),
    hints={
        "fluorescence": Hint(
            says="Each channel is a marker of its own and intensity is expression: name intensity "
            "among task_needs.",
            source="physics",
        ),
    },
)
