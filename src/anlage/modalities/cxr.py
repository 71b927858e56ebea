"""Chest X-ray: upright, calibrated by nobody, full of text, tubes and hospital habits."""

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
    title="chest X-ray",
    dims=(2,),
    colour="grey",
    scaling=Scaling(
        kind="display",
        because="exposure and processing differ by machine, so the image's own range is spread",
        source="R30",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.2,
        because="small nodules and effusions at the base fall out of small crops",
        source="R30, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.7,
            params={"degrees": 10},
            limits={"degrees": 30},
            because="patients stand a little tilted; large angles do not occur",
            source="R30; Sowrirajan 2021",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side; leave it out otherwise",
            source="R30, R31; Sowrirajan 2021",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="exposure varies from image to image",
            source="R30",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.3,
            params={"power": 1.4},
            limits={"power": 2.5},
            level="mild",
            because="machines apply different tone curves",
            source="R30",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.3,
            params={"sigma": 0.03},
            limits={"sigma": 0.1},
            level="mild",
            because="low dose is noisy",
            source="R30",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.1, "shear_degrees": 0.0},
            limits={"scale": 1.25, "shear_degrees": 5.0},
            level="mild",
            because="distance and body size differ",
            source="R30",
        ),
        "sharpen": ViewRule(
            transform="sharpen",
            p=0.2,
            params={"amount": 0.5, "sigma": (0.5, 1.5)},
            limits={"amount": 1.5, "sigma": 3.0},
            level="mild",
            because="machines sharpen edges to different degrees",
            source="physics",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 2.0, "axes": "all"},
            limits={"factor": 3.0},
            level="avoid",
            because="it blurs the fine lines of interstitial disease and pneumothorax",
            source="R30",
        ),
        "elastic": ViewRule(
            transform="elastic",
            p=0.2,
            params={"displacement_mm": 4.0, "spacing_mm": 40.0},
            limits={"displacement_mm": 10.0},
            least={"spacing_mm": 20.0},
            level="avoid",
            because="bending changes the size of the heart, which may be the label",
            source="anatomy",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide a nodule or the rim of a pneumothorax",
            source="R41",
        ),
    },
    forbidden={
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="a chest is never upside down; the diaphragm and gas levels carry meaning",
            source="R30",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="patients stand a little tilted; large angles do not occur",
            source="R30",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="a radiograph has no colour", source="R30"
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="inverting bright regions swaps bone with air",
            source="R30",
        ),
        "gaussian_blur": Forbidden(
            transform="gaussian_blur",
            because="it wipes out the fine lines of interstitial disease and pneumothorax",
            source="R30",
        ),
    },
    corruption=Corruption(
        ratio=0.75,
        unit=0.125,
        unit_mm=30.0,
        because="radiographs are redundant, as natural images are",
        source="R52",
    ),
    pairs=Pairs(
        positive="study",
        never=("studies of different dates", "a chest and its mirror image, if sides count"),
        because="two images of one visit show one state; at another date it may have changed",
        source="R16, R17; Vu 2021",
    ),
    artefacts={
        "exposure": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.1, "contrast": 0.2},
                {"brightness": 0.2, "contrast": 0.4},
                {"brightness": 0.3, "contrast": 0.6},
            ),
            because="over- and underexposure, other processing",
            source="R30, R72",
        ),
        "low_dose": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.03}, {"sigma": 0.06}, {"sigma": 0.1}),
            because="bedside images of large patients",
            source="physics",
        ),
        "tilt": Artefact(
            transform="rotate",
            strengths=({"degrees": 5}, {"degrees": 10}, {"degrees": 20}),
            because="supine patients",
            source="R30",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="pictures that were sent or photographed",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="side markers and burned-in text",
            remedy="black them out, and compare with a probe that sees the background alone",
            source="Zech 2018; R73",
        ),
        Shortcut(
            what="tubes, drains and devices: treatment tells the disease",
            remedy="report cases with and without them",
            source="Oakden-Rayner 2020",
        ),
        Shortcut(
            what="bedside or upright stand, and the hospital",
            remedy="predict them from frozen features, and report strata",
            source="Zech 2018; R72, R73",
        ),
    ),
    hints={
        "lateral": Hint(
            says="Lateral views have no left and right in the picture: left-right mirrors would "
            "swap front and back, so name orientation among task_needs.",
            source="anatomy",
        ),
        "sided": Hint(
            says="Situs, heart side and devices are labels with a side: name laterality among "
            "task_needs.",
            source="R31",
        ),
    },
    notes=("Situs, heart side and devices are labels with a side: leave flip_lr out (R31).",),
)
