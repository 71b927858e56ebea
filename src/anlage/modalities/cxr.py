"""Chest X-ray: upright, calibrated by nobody, full of text, tubes and hospital habits."""

from __future__ import annotations

from anlage.modalities import Corruption, Crop, Forbidden, Policy, Scaling, ViewRule

__all__ = ["POLICY"]

POLICY = Policy(
    title="chest X-ray",
    dims=(2,),
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
            source="R30; Sowrirajan et al. 2021",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side; leave it out otherwise",
            source="R30, R31; Sowrirajan et al. 2021",
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
        because="radiographs are redundant, as natural images are",
        source="R52",
    ),
    shortcuts=("side markers and burned-in text", "tubes and devices", "bedside or upright stand"),
    notes=("Situs, heart side and devices are labels with a side: leave flip_lr out (R31).",),
)
