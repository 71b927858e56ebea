"""An unknown modality: only changes that hardly any image forbids."""

from __future__ import annotations

from anlage.modalities import (
    Artefact,
    Corruption,
    Crop,
    Forbidden,
    Policy,
    Scaling,
    Shortcut,
    ViewRule,
)

__all__ = ["POLICY"]

POLICY = Policy(
    title="unknown modality",
    dims=(2, 3),
    colour="either",
    scaling=Scaling(
        kind="display",
        because="8-bit pictures are kept; anything else is spread over its own range",
        source="R41",
    ),
    crop=Crop(
        scale=(0.6, 1.0),
        least_scale=0.2,
        because="without knowing what matters, most of the image has to stay",
        source="R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 30},
            level="mild",
            because="small tilts occur everywhere",
            source="R41",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.2},
            limits={"brightness": 0.3, "contrast": 0.5},
            level="mild",
            because="exposure varies almost everywhere",
            source="R41",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.3,
            params={"sigma": 0.02},
            limits={"sigma": 0.1},
            level="mild",
            because="every detector is noisy",
            source="R41",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.08, "shear_degrees": 0.0},
            limits={"scale": 1.2, "shear_degrees": 5.0},
            level="mild",
            because="sizes differ a little everywhere",
            source="R41",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide what the label is about",
            source="R41",
        ),
    },
    forbidden={
        "solarize": Forbidden(
            transform="solarize",
            because="no imaging device inverts only the bright part of its scale",
            source="R41",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        because="between what works for CT and what works for photographs",
        source="R50, R52",
    ),
    artefacts={
        "noise": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.03}, {"sigma": 0.06}, {"sigma": 0.1}),
            because="every detector is noisy",
            source="physics",
        ),
        "exposure": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.1, "contrast": 0.2},
                {"brightness": 0.2, "contrast": 0.35},
                {"brightness": 0.3, "contrast": 0.5},
            ),
            because="exposure varies almost everywhere",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="device, site and anything drawn into the image",
            remedy="predict them from frozen features, and from the background alone",
            source="R73",
        ),
    ),
    notes=("Name the modality if you know it: its policy allows more and forbids more.",),
)
