"""Fundus photography: the back of the eye in colour, with small lesions and an eye side."""

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
    title="fundus photography",
    dims=(2,),
    colour="colour",
    scaling=Scaling(
        kind="display",
        because="the camera's colours are kept: red lesions and pale discs are read from them",
        source="R37",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.2,
        because="microaneurysms are small and few; crops of 5 % lose them",
        source="R37, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 30},
            level="mild",
            because="heads are tilted a little",
            source="anatomy",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.2},
            limits={"brightness": 0.2, "contrast": 0.2},
            because="exposure varies; weak changes beat strong ones",
            source="R37",
        ),
        "hue_saturation": ViewRule(
            transform="hue_saturation",
            p=0.5,
            params={"hue_degrees": 5, "saturation": 0.2},
            limits={"hue_degrees": 10, "saturation": 0.2},
            level="mild",
            because="cameras and pigment tint the retina; blood has to stay red",
            source="R37",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="avoid",
            because="it makes a left eye of a right one: only if no label names the eye",
            source="R37",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.08, "shear_degrees": 0.0},
            limits={"scale": 1.2, "shear_degrees": 3.0},
            level="mild",
            because="cameras have different fields of view",
            source="R37",
        ),
        "vignette": ViewRule(
            transform="vignette",
            p=0.2,
            params={"darkening": 0.2},
            limits={"darkening": 0.4, "offset": 0.1},
            dims=(2,),
            level="avoid",
            because="uneven light hurt in the study that tried shading",
            source="R37",
        ),
        "jpeg": ViewRule(
            transform="jpeg",
            p=0.2,
            params={"loss": (5, 20)},
            limits={"loss": 40},
            dims=(2,),
            level="avoid",
            because="blocks of 8 pixels hide microaneurysms and make false ones",
            source="R37",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="lesions are few, and a box may hide all of them",
            source="R37, R41",
        ),
    },
    forbidden={
        "gaussian_blur": Forbidden(
            transform="gaussian_blur", because="it wipes out microaneurysms", source="R37"
        ),
        "gaussian_noise": Forbidden(
            transform="gaussian_noise", because="grains look like microaneurysms", source="R37"
        ),
        "bias_field": Forbidden(
            transform="bias_field",
            because="shading hurt in the study that tried it; exposure varies enough by itself",
            source="R37",
        ),
        "grayscale": Forbidden(
            transform="grayscale",
            because="red bleeding and yellow exudate would look alike",
            source="anatomy",
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="a bright disc would turn into a dark bleeding",
            source="anatomy",
        ),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="the fovea lies below the middle of the disc, in every eye",
            source="anatomy",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="the vessels' arcades open to the side, never up or down",
            source="anatomy",
        ),
        "low_resolution": Forbidden(
            transform="low_resolution",
            because="microaneurysms are a few pixels wide",
            source="R37",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=1.0,
        because="a retina is redundant except where it is ill; lesions are few and small",
        source="R52, R53",
    ),
    pairs=Pairs(
        positive="image",
        never=("left and right eye: disease may be on one side",),
        because="two eyes of a patient look alike and may have different grades",
        source="R17; anatomy",
    ),
    artefacts={
        "defocus": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.7, 0.7)}, {"sigma": (1.3, 1.3)}, {"sigma": (2.0, 2.0)}),
            because="cataract and missed focus",
            source="Fu 2019",
        ),
        "exposure": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.1, "contrast": 0.2},
                {"brightness": 0.2, "contrast": 0.35},
                {"brightness": 0.3, "contrast": 0.5},
            ),
            because="small pupils, blinking",
            source="Fu 2019",
        ),
        "uneven_light": Artefact(
            transform="bias_field",
            strengths=({"coefficient": 0.1}, {"coefficient": 0.25}, {"coefficient": 0.4}),
            because="the camera is not centred on the pupil",
            source="Fu 2019",
        ),
        "small_pupil": Artefact(
            transform="vignette",
            strengths=(
                {"darkening": 0.3},
                {"darkening": 0.6},
                {"darkening": 0.85},
            ),
            because="small pupils",
            source="Fu 2019",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="screening pictures stored with loss",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="camera, field of view and the size of the black border",
            remedy="crop all images to the disc of the field, and report strata of cameras",
            source="R72, R73",
        ),
        Shortcut(
            what="image quality: ill eyes are harder to photograph",
            remedy="report strata of quality",
            source="Fu 2019; R72",
        ),
    ),
    hints={
        "eye": Hint(
            says="If labels name the eye, name laterality among task_needs; or mirror all left "
            "eyes before prepare.",
            source="R37",
        ),
    },
    notes=("Weak views beat strong ones here: change little, and look at views.png.",),
)
