"""Endoscopy and laparoscopy: a moving camera in a wet tube, without an up or a scale."""

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
    title="endoscopy and laparoscopy",
    dims=(2,),
    colour="colour",
    scaling=Scaling(
        kind="main_region",
        because="the camera's colours are kept; text beside the round field becomes black",
        source="R39, R73",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.2,
        because="flat polyps fill little of a frame",
        source="R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.8,
            params={"degrees": 45},
            limits={"degrees": 180},
            because="the scope rolls about its axis",
            source="R39",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="the scope rolls, so no side is fixed",
            source="R39",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.15, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="the lamp travels with the camera, so near walls are bright",
            source="R39",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.2,
            params={"sigma": (0.3, 1.0)},
            limits={"sigma": 2.0},
            level="mild",
            because="the camera moves, and water lies on the lens",
            source="Ali 2021",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.3,
            params={"power": 1.3},
            limits={"power": 2.0},
            level="mild",
            because="processors apply different tone curves",
            source="physics",
        ),
        "hue_saturation": ViewRule(
            transform="hue_saturation",
            p=0.5,
            params={"hue_degrees": 4, "saturation": 0.1},
            limits={"hue_degrees": 10, "saturation": 0.3},
            level="avoid",
            because="redness is inflammation, and turning hues did not help where it was tried",
            source="R39",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.5,
            params={"scale": 1.2, "shear_degrees": 5.0},
            limits={"scale": 1.5, "shear_degrees": 15.0},
            because="the wall is near or far, and seen at any slant",
            source="R39; physics",
        ),
        "quarter_turn": ViewRule(
            transform="quarter_turn",
            p=0.5,
            level="mild",
            because="the scope rolls; corners of an octagonal field stay where they were",
            source="R39",
        ),
        "specular_highlights": ViewRule(
            transform="specular_highlights",
            p=0.3,
            params={"count": 8, "size": (0.004, 0.015)},
            limits={"count": 20, "size": 0.02, "elongation": 4.0},
            dims=(2,),
            because="wet walls glitter in every frame",
            source="Ali 2021",
        ),
        "vignette": ViewRule(
            transform="vignette",
            p=0.3,
            params={"darkening": 0.3},
            limits={"darkening": 0.6, "offset": 0.2},
            dims=(2,),
            level="mild",
            because="the light guide is narrow",
            source="physics",
        ),
        "jpeg": ViewRule(
            transform="jpeg",
            p=0.2,
            params={"loss": (5, 40)},
            limits={"loss": 70},
            dims=(2,),
            level="mild",
            because="videos are stored with loss",
            source="physics",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide a flat polyp",
            source="R41",
        ),
    },
    forbidden={
        "grayscale": Forbidden(
            transform="grayscale",
            because="redness, bile and vessels are read from colour",
            source="R39",
        ),
        "solarize": Forbidden(
            transform="solarize", because="wet highlights would turn into holes", source="R39"
        ),
    },
    corruption=Corruption(
        ratio=0.75,
        unit=0.125,
        because="walls repeat; a mm means nothing, since the distance to them varies",
        source="R52, R53",
    ),
    pairs=Pairs(
        positive="image",
        never=("frames far apart in one video", "the same place before and after resection"),
        because="a video shows many places; only frames within a second or two show one",
        source="R16, R17",
    ),
    artefacts={
        "blur": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.7, 0.7)}, {"sigma": (1.4, 1.4)}, {"sigma": (2.5, 2.5)}),
            because="the camera moves",
            source="Ali 2021",
        ),
        "exposure": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.15, "contrast": 0.3},
                {"brightness": 0.25, "contrast": 0.5},
                {"brightness": 0.35, "contrast": 0.7},
            ),
            because="saturation near the wall, darkness far from it",
            source="Ali 2021",
        ),
        "glare": Artefact(
            transform="specular_highlights",
            strengths=(
                {"count": 8},
                {"count": 24},
                {"count": 60},
            ),
            because="wet walls",
            source="Ali 2021",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="videos stored with loss",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="instruments: a snare in the frame tells of a polyp",
            remedy="report frames with and without instruments",
            source="R73",
        ),
        Shortcut(
            what="burned-in text, processor and hospital",
            remedy="text outside the field becomes black when a store is made; report strata",
            source="R72, R73",
        ),
        Shortcut(
            what="frames of one video in training and test",
            remedy="give the patient or video to prepare, so that the split keeps it together",
            source="R74",
        ),
    ),
    hints={
        "nbi": Hint(
            says="Narrow-band imaging and dyes: colour is the message; name colour among "
            "task_needs, and keep them apart from white light.",
            source="physics",
        ),
        "laparoscopy": Hint(
            says="The camera is held upright: name orientation among task_needs if labels hang "
            "on it.",
            source="anatomy",
        ),
    },
    notes=("Frames of a video are near-duplicates: take one or two per second.",),
)
