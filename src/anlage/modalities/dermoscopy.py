"""Dermoscopy: skin lesions under a lens, where colour is a diagnostic criterion."""

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
    title="dermoscopy",
    dims=(2,),
    colour="colour",
    scaling=Scaling(
        kind="colour_constancy",
        because="lamps and cameras tint the skin; Shades of Gray brings it to neutral light",
        source="R36; Finlayson 2004; Barata 2015",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.25,
        because="asymmetry and border are read on the whole lesion",
        source="R36, R41",
    ),
    views={
        "quarter_turn": ViewRule(
            transform="quarter_turn", p=1.0, because="skin has no canonical pose", source="R36"
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="skin has no canonical pose",
            source="R36",
        ),
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 30},
            limits={"degrees": 180},
            because="the lens is held at any angle",
            source="R36",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.2},
            limits={"brightness": 0.2, "contrast": 0.4},
            because="lamp and pressure vary",
            source="R36",
        ),
        "hue_saturation": ViewRule(
            transform="hue_saturation",
            p=0.5,
            params={"hue_degrees": 4, "saturation": 0.15},
            limits={"hue_degrees": 10, "saturation": 0.3},
            level="mild",
            because="what colour constancy leaves over varies; more would turn brown into red",
            source="R36",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.2,
            params={"sigma": 0.02},
            limits={"sigma": 0.06},
            level="mild",
            because="phone cameras are noisy",
            source="physics",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.2,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.5},
            level="avoid",
            because="the pigment network is a few pixels wide, and melanoma is read from it",
            source="anatomy",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.3,
            params={"power": 1.2},
            limits={"power": 1.6},
            level="avoid",
            because="bending each channel shifts hue where it is darkest: in the lesion",
            source="R36",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.15, "shear_degrees": 3.0},
            limits={"scale": 1.4, "shear_degrees": 10.0},
            level="mild",
            because="the lens is held near or far, a little tilted",
            source="R36",
        ),
        "colour_temperature": ViewRule(
            transform="colour_temperature",
            p=0.3,
            params={"mired": 8.0, "tint": 0.01},
            limits={"mired": 20.0, "tint": 0.03},
            level="mild",
            because="what colour constancy leaves of the lamp",
            source="R36; Barata 2015",
        ),
        "vignette": ViewRule(
            transform="vignette",
            p=0.2,
            params={"darkening": 0.3},
            limits={"darkening": 0.6, "offset": 0.2},
            dims=(2,),
            level="mild",
            because="lenses darken the corners",
            source="physics",
        ),
        "jpeg": ViewRule(
            transform="jpeg",
            p=0.2,
            params={"loss": (5, 30)},
            limits={"loss": 60},
            dims=(2,),
            level="mild",
            because="pictures are stored with loss",
            source="physics",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide the one sign that makes a lesion malignant",
            source="R36, R41",
        ),
    },
    forbidden={
        "grayscale": Forbidden(
            transform="grayscale",
            because="red, blue and white are criteria of malignancy",
            source="R36",
        ),
        "solarize": Forbidden(
            transform="solarize", because="it makes colours that skin never has", source="R36"
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=1.0,
        because="skin is redundant, a lesion is not: less is hidden than in photographs",
        source="R52, R53",
    ),
    pairs=Pairs(
        positive="study",
        never=("two lesions of one patient: one may be benign",),
        because="several pictures of one lesion at one visit show one truth",
        source="Azizi 2021; R16, R17",
    ),
    artefacts={
        "defocus": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.7, 0.7)}, {"sigma": (1.3, 1.3)}, {"sigma": (2.0, 2.0)}),
            because="the lens does not touch the skin",
            source="physics",
        ),
        "lamp": Artefact(
            transform="colour_temperature",
            strengths=(
                {"mired": 10.0},
                {"mired": 30.0},
                {"mired": 60.0},
            ),
            because="another lamp or camera",
            source="Barata 2015",
        ),
        "corners": Artefact(
            transform="vignette",
            strengths=(
                {"darkening": 0.3},
                {"darkening": 0.6},
                {"darkening": 0.9},
            ),
            because="dark corners of the lens",
            source="Bissoto 2019",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="pictures sent by phone",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="ink marks of the surgeon, drawn around suspicious lesions",
            remedy="report cases with and without them",
            source="Winkler 2019",
        ),
        Shortcut(
            what="rulers, colour patches, hair and dark corners of the lens",
            remedy="compare with a probe that sees the skin around the lesion alone",
            source="Bissoto 2019; R73",
        ),
        Shortcut(
            what="clinic and skin tone",
            remedy="report subgroups of skin tone and site",
            source="R73, R75",
        ),
    ),
    hints={
        "clinical": Hint(
            says="Photographs without a dermoscope have other light and scale: keep them in a "
            "store of their own.",
            source="R26",
        ),
    },
    notes=("If colour alone decides, such as blue-white veil, name colour among task_needs.",),
)
