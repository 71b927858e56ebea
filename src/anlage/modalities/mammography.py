"""Mammography: two views of two breasts, where single bright pixels matter."""

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
    title="mammography",
    dims=(2,),
    colour="grey",
    scaling=Scaling(
        kind="main_region",
        because="the breast is the image: markers and text beside it become black",
        source="R40, R73",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.25,
        because="crops must hold breast tissue, and clusters of calcium are small",
        source="R40, R41",
    ),
    views={
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="a right breast looks like a mirrored left one",
            source="R40",
        ),
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 20},
            level="mild",
            because="positioning differs a little",
            source="anatomy",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.05, "contrast": 0.2},
            limits={"brightness": 0.15, "contrast": 0.4},
            because="exposure and processing differ by machine",
            source="physics",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.3,
            params={"power": 1.2},
            limits={"power": 1.6},
            level="mild",
            because="machines apply different tone curves",
            source="physics",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.2,
            params={"sigma": 0.01},
            limits={"sigma": 0.04},
            level="avoid",
            because="single bright pixels are what microcalcifications look like",
            source="anatomy",
        ),
        "flip_ud": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "ud"},
            level="avoid",
            because="the chest muscle of an oblique view lies above, never below",
            source="anatomy",
        ),
        "sharpen": ViewRule(
            transform="sharpen",
            p=0.2,
            params={"amount": 0.4, "sigma": (0.5, 1.0)},
            limits={"amount": 1.0, "sigma": 2.0},
            level="mild",
            because="machines sharpen edges to different degrees",
            source="physics",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.08, "shear_degrees": 3.0},
            limits={"scale": 1.2, "shear_degrees": 10.0},
            level="mild",
            because="compression differs",
            source="physics",
        ),
        "elastic": ViewRule(
            transform="elastic",
            p=0.2,
            params={"displacement_mm": 4.0, "spacing_mm": 40.0},
            limits={"displacement_mm": 8.0},
            least={"spacing_mm": 30.0},
            level="avoid",
            because="bending fakes or hides architectural distortion, which is a sign of cancer",
            source="anatomy",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide the cancer",
            source="R40, R41",
        ),
    },
    forbidden={
        "gaussian_blur": Forbidden(
            transform="gaussian_blur",
            because="it wipes out microcalcifications and fine spicules",
            source="R40; anatomy",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="the chest wall is always at the side",
            source="anatomy",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="a mammogram has no colour", source="physics"
        ),
        "solarize": Forbidden(
            transform="solarize", because="it turns calcium into fat", source="physics"
        ),
        "low_resolution": Forbidden(
            transform="low_resolution",
            because="microcalcifications are a few pixels wide",
            source="R40; anatomy",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=8.0,
        because="masses of a centimetre must not vanish as a whole",
        source="R52, R53",
    ),
    pairs=Pairs(
        positive="study",
        never=("left and right breast: cancer is mostly on one side", "different years"),
        because="the two views of one breast at one visit show one truth",
        source="R16, R17; anatomy",
    ),
    artefacts={
        "exposure": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.05, "contrast": 0.15},
                {"brightness": 0.1, "contrast": 0.3},
                {"brightness": 0.15, "contrast": 0.45},
            ),
            because="dense breasts, other processing",
            source="physics",
        ),
        "low_dose": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.01}, {"sigma": 0.03}, {"sigma": 0.06}),
            because="underexposed detector",
            source="physics",
        ),
        "movement": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.4, 0.4)}, {"sigma": (0.8, 0.8)}, {"sigma": (1.2, 1.2)}),
            because="the breast moved, or compression was weak",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="side and view markers, text",
            remedy="they become black when a store is made; look at the contact sheet",
            source="Zech 2018; R73",
        ),
        Shortcut(
            what="clips, skin markers and scars of an earlier biopsy",
            remedy="report cases with and without them",
            source="Oakden-Rayner 2020",
        ),
        Shortcut(
            what="machine and its processing",
            remedy="predict the machine from frozen features, and report strata",
            source="R72, R73",
        ),
    ),
    hints={
        "calcifications": Hint(
            says="Microcalcifications are below 0.5 mm: shrinking a mammogram to 224 pixels "
            "erases them. Work on windows (field: window).",
            source="R41; anatomy",
        ),
        "sided": Hint(
            says="If labels name the breast, name laterality among task_needs.", source="R40"
        ),
        "density": Hint(
            says="Breast density is read from values: name intensity among task_needs.",
            source="physics",
        ),
    },
    notes=("Give the patient to prepare: four images of one woman must stay in one part.",),
)
