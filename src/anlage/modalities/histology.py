"""Histology: no up or down, and colour that comes from two or three stains."""

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
    title="histology (stained tissue)",
    dims=(2,),
    colour="colour",
    scaling=Scaling(
        kind="display",
        because="slide scanners give 8-bit colour; stains are separated in optical density",
        source="R34; Ruifrok 2001",
    ),
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
            p=0.5,
            params={"hue_degrees": 6, "saturation": 0.2},
            limits={"hue_degrees": 12, "saturation": 0.4},
            level="avoid",
            because="it leaves the colours that stains can make; stain_jitter stays among them",
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
        "affine": ViewRule(
            transform="affine",
            p=0.5,
            params={"scale": 1.15, "shear_degrees": 0.0},
            limits={"scale": 1.5, "shear_degrees": 5.0},
            because="magnification and pixel size differ between scanners",
            source="R34",
        ),
        "sharpen": ViewRule(
            transform="sharpen",
            p=0.2,
            params={"amount": 0.5, "sigma": (0.5, 1.0)},
            limits={"amount": 1.5, "sigma": 2.0},
            level="mild",
            because="scanners sharpen to different degrees",
            source="physics",
        ),
        "stain_jitter": ViewRule(
            transform="stain_jitter",
            p=0.8,
            params={"scale": 0.1, "shift": 0.02},
            limits={"scale": 0.3, "shift": 0.06},
            because="dyes are taken up differently in every laboratory, along their own colours",
            source="R34; Ruifrok 2001",
        ),
        "jpeg": ViewRule(
            transform="jpeg",
            p=0.2,
            params={"loss": (5, 30)},
            limits={"loss": 60},
            dims=(2,),
            level="mild",
            because="slides are stored with loss",
            source="physics",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.5},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide the few cells that matter",
            source="R41",
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
        unit_mm=0.016,
        background="bright",
        because="texture repeats, so much can be hidden; a block is one or two nuclei wide",
        source="R52",
    ),
    pairs=Pairs(
        positive="image",
        never=("distant tiles of one slide: tumour and healthy tissue lie side by side",),
        because="a slide holds several classes of tissue, so it says little of a tile",
        source="R34; anatomy",
    ),
    artefacts={
        "defocus": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.7, 0.7)}, {"sigma": (1.3, 1.3)}, {"sigma": (2.0, 2.0)}),
            because="scanners lose focus locally",
            source="R34",
        ),
        "low_magnification": Artefact(
            transform="low_resolution",
            strengths=(
                {"factor": 1.5, "axes": "all"},
                {"factor": 2.0, "axes": "all"},
                {"factor": 3.0, "axes": "all"},
            ),
            because="a coarser scan",
            source="physics",
        ),
        "stain": Artefact(
            transform="stain_jitter",
            strengths=(
                {"scale": 0.1, "shift": 0.02},
                {"scale": 0.2, "shift": 0.04},
                {"scale": 0.3, "shift": 0.08},
            ),
            because="another laboratory",
            source="R34; Howard 2021",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="slides stored with loss",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="stain batch and scanner colour: they name the site, and the site the outcome",
            remedy="split by site, normalise stains, predict the site from frozen features",
            source="Howard 2021; R73",
        ),
        Shortcut(what="pen marks", remedy="leave out tiles with ink colours", source="physics"),
        Shortcut(
            what="tissue folds and slide edges",
            remedy="leave out tiles with little tissue",
            source="physics",
        ),
    ),
    hints={
        "he": Hint(
            says="Haematoxylin and eosin: two stain vectors; jitter along them, not in hue.",
            source="R34; Ruifrok 2001",
        ),
        "laboratories": Hint(
            says="To bring all tiles to one laboratory's colours: --set "
            "augmentation.views.stain_normalize.p=1. Do the same when you fine-tune.",
            source="R34; Macenko 2009",
        ),
        "ihc": Hint(
            says="Immunohistochemistry: the brown is the label; name colour and intensity among "
            "task_needs.",
            source="physics",
        ),
    },
    notes=("Magnification is part of the message: store one magnification per store.",),
)
