"""Computed tomography: values are Hounsfield units, and every change of them has a meaning."""

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
    title="computed tomography",
    dims=(2, 3),
    colour="grey",
    scaling=Scaling(
        kind="hu",
        windows={
            "wide": (-500.0, 500.0),
            "soft": (-175.0, 250.0),
            "lung": (-1000.0, 400.0),
            "bone": (-500.0, 1300.0),
            "full": (-1024.0, 3071.0),
        },
        because="Hounsfield units are kept; the window is chosen per task, never per image",
        source="R32",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        aspect=(0.9, 1.1),
        least_scale=0.2,
        because="nodules of a few millimetres fall out of small crops",
        source="R32, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 30},
            because="patients lie a little tilted",
            source="R32",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side or a one-sided organ",
            source="R32",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.5,
            params={"sigma": 0.05},
            limits={"sigma": 0.15},
            because="dose sets the noise",
            source="R32; Jiang 2024",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.5},
            because="smooth and sharp reconstruction kernels are both in use",
            source="R32; Jiang 2024",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.5,
            params={"brightness": 0.02, "contrast": 0.05},
            limits={"brightness": 0.05, "contrast": 0.1},
            level="mild",
            because="only calibration drift and contrast agent; more would change the tissue",
            source="R32",
        ),
        "sharpen": ViewRule(
            transform="sharpen",
            p=0.2,
            params={"amount": 0.7, "sigma": (0.5, 1.0)},
            limits={"amount": 1.5, "sigma": 2.0},
            because="sharp reconstruction kernels are in use beside smooth ones",
            source="R32; Jiang 2024",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 2.0, "axes": "one"},
            limits={"factor": 4.0},
            because="slices are of different thickness",
            source="R32, R72; Jiang 2024",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.1, "shear_degrees": 0.0},
            limits={"scale": 1.25, "shear_degrees": 5.0},
            level="mild",
            because="bodies differ in size; the voxels keep their millimetres",
            source="R32",
        ),
        "elastic": ViewRule(
            transform="elastic",
            p=0.2,
            params={"displacement_mm": 4.0, "spacing_mm": 40.0},
            limits={"displacement_mm": 10.0},
            least={"spacing_mm": 20.0},
            level="avoid",
            because="bending changes the shape of organs and lesions, which may be the sign",
            source="anatomy",
        ),
        "beam_hardening": ViewRule(
            transform="beam_hardening",
            p=0.1,
            params={"depth": 0.05},
            limits={"depth": 0.1},
            level="mild",
            because="large bodies and bone darken what lies inside",
            source="Barrett 2004",
        ),
        "metal_streaks": ViewRule(
            transform="metal_streaks",
            p=0.1,
            params={"strength": 0.15, "radius": (0.01, 0.03)},
            limits={"strength": 0.4, "radius": 0.05, "reach": 0.2, "pieces": 2, "slices": 0.5},
            level="avoid",
            because="streaks hide small lesions; better tested with than trained on",
            source="Barrett 2004",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide a whole lesion, and no scanner leaves boxes out",
            source="R41",
        ),
    },
    forbidden={
        "gamma": Forbidden(
            transform="gamma",
            because="it bends the Hounsfield scale, so one value no longer means one tissue",
            source="R32",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="CT has no colour", source="R32"
        ),
        "solarize": Forbidden(transform="solarize", because="it turns bone into air", source="R32"),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="gravity and anatomy fix up and down: fluid levels would hang from the top",
            source="R32",
        ),
        "flip_ap": Forbidden(
            transform="flip",
            params={"axis": "ap"},
            because="gravity acts from front to back: fluid levels would hang from the front",
            source="R32",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="patients lie a little tilted, never on their head or side by 90 degrees",
            source="R32",
        ),
        "bias_field": Forbidden(
            transform="bias_field",
            because="CT has no receive coil; a shading would fake densities",
            source="R32",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=16.0,
        because="0.4 to 0.75 work for CT; a hidden block should not exceed half a lesion",
        source="R50",
    ),
    pairs=Pairs(
        positive="image",
        never=("scans of different dates", "distant levels of one scan"),
        because="disease changes between dates, and levels of a body show different organs",
        source="R17, R61",
    ),
    artefacts={
        "noise": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.03}, {"sigma": 0.08}, {"sigma": 0.15}),
            because="low dose, large patients",
            source="Barrett 2004; R72",
        ),
        "smooth_kernel": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.5, 0.5)}, {"sigma": (1.0, 1.0)}, {"sigma": (1.5, 1.5)}),
            because="smooth reconstruction kernel",
            source="Jiang 2024; R72",
        ),
        "thick_slices": Artefact(
            transform="low_resolution",
            strengths=(
                {"factor": 2.0},
                {"factor": 3.0},
                {"factor": 5.0},
            ),
            because="thick slices",
            source="Jiang 2024; R72",
        ),
        "sharp_kernel": Artefact(
            transform="sharpen",
            strengths=(
                {"amount": 0.5},
                {"amount": 1.0},
                {"amount": 2.0},
            ),
            because="sharp reconstruction kernel",
            source="Jiang 2024; R72",
        ),
        "movement": Artefact(
            transform="motion",
            strengths=(
                {"degrees": 1.0, "translation_mm": 1.0},
                {"degrees": 2.0, "translation_mm": 3.0},
                {"degrees": 4.0, "translation_mm": 6.0},
            ),
            because="breathing and restless patients; drawn as for MR, which only resembles it",
            source="Barrett 2004",
        ),
        "metal": Artefact(
            transform="metal_streaks",
            strengths=(
                {"strength": 0.1},
                {"strength": 0.25},
                {"strength": 0.5},
            ),
            because="implants, dental fillings, clips",
            source="Barrett 2004",
        ),
        "cupping": Artefact(
            transform="beam_hardening",
            strengths=(
                {"depth": 0.05},
                {"depth": 0.1},
                {"depth": 0.2},
            ),
            because="beam hardening in large patients",
            source="Barrett 2004",
        ),
    },
    shortcuts=(
        Shortcut(
            what="table and positioning aids",
            remedy="compare with a probe that sees the background alone",
            source="R73",
        ),
        Shortcut(
            what="contrast agent and its phase",
            remedy="report strata with and without contrast",
            source="R72; Jiang 2024",
        ),
        Shortcut(
            what="reconstruction kernel, slice thickness and scanner",
            remedy="predict them from frozen features, and report strata",
            source="R72, R73",
        ),
    ),
    hints={
        "lung": Hint(says="Nodules and emphysema: --set augmentation.window=lung.", source="R32"),
        "abdomen": Hint(says="Liver, kidney, bowel: --set augmentation.window=soft.", source="R32"),
        "bone": Hint(
            says="Fractures and metastases: --set augmentation.window=bone.", source="physics"
        ),
        "density": Hint(
            says="Emphysema scores, bone density, calcium: the value is the label, so name "
            "intensity among task_needs.",
            source="physics",
        ),
    },
    notes=(
        "Choose the window that your task is read in: lung for nodules, soft for abdomen.",
        "8-bit pictures of CT are already windowed: they are stored as pictures, not as HU.",
    ),
)
