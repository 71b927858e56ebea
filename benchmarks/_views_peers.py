"""What peers are asked to do where we do the same: their own transforms, image after image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import monai.transforms as mt
import numpy as np
import torch
import torchio as tio
from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.noise.rician import RicianNoiseTransform
from batchgeneratorsv2.transforms.noise.sharpen import SharpeningTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

Changer = Callable[[int], object]  # changes all images of the batch; the number is the round's
Steps = dict[str, list[Any]]  # of each operation that a package has


def peers(
    dims: int, size: Sequence[int]
) -> dict[str, tuple[Steps, Callable[[list[Any], torch.Tensor], Changer]]]:
    """Return the steps of each peer, and what makes a changer of some of them."""
    return {
        "TorchIO": (torchio_steps(dims), torchio_changer),
        "MONAI": (monai_steps(dims), monai_changer),
        "batchgeneratorsv2": (batchgenerators_steps(size), batchgenerators_changer),
    }


def torchio_steps(dims: int) -> Steps:
    planar = dims == 2
    turns = (0, 0, 0, 0, -15, 15) if planar else 15
    scales = (0.9, 1.1, 0.9, 1.1, 1, 1) if planar else 0.1
    axes = (0, 1) if planar else (0, 1, 2)
    points = (9, 9, 4) if planar else 9
    limit = (4, 4, 0) if planar else 4
    return {
        "affine": [
            tio.RandomAffine(scales=scales, degrees=turns, translation=0),
            tio.RandomFlip(axes=(1 if planar else 0,), flip_probability=1),
        ],
        "elastic": [tio.RandomElasticDeformation(points, limit, locked_borders=0)],
        "gamma": [tio.RandomGamma(log_gamma=(-0.4, 0.4))],
        "gaussian noise": [tio.RandomNoise(std=(0, 0.1))],
        "blur": [tio.RandomBlur(std=(0.5, 1.0, 0.5, 1.0, 0, 0) if planar else (0.5, 1.0))],
        "bias field": [tio.RandomBiasField(coefficients=0.3, order=3)],
        "low resolution": [tio.RandomAnisotropy(axes=axes, downsampling=(1, 4))],
        "spike": [tio.RandomSpike(num_spikes=1, intensity=(0, 1))],
        "ghosting": [tio.RandomGhosting(num_ghosts=(2, 8), axes=axes, intensity=(0, 0.8))],
        "motion": [tio.RandomMotion(degrees=10, translation=5, num_transforms=2)],
    }


def monai_steps(dims: int) -> Steps:
    turn = np.deg2rad(15)
    widths = {f"sigma_{axis}": (0.5, 1.0) for axis in "xyz"}
    elastic = (
        mt.Rand2DElastic(spacing=12, magnitude_range=(2, 4), prob=1, padding_mode="border")
        if dims == 2
        else mt.Rand3DElastic(
            sigma_range=(4, 6), magnitude_range=(50, 100), prob=1, padding_mode="border"
        )
    )
    return {
        "affine": [
            mt.RandAffine(
                prob=1,
                rotate_range=turn if dims == 2 else (turn,) * 3,
                scale_range=(0.1,) * dims,
                padding_mode="border",
            ),
            mt.RandFlip(prob=1, spatial_axis=0),
        ],
        "elastic": [elastic],
        "gamma": [mt.RandAdjustContrast(prob=1, gamma=(0.67, 1.5))],
        "contrast": [mt.RandScaleIntensity(prob=1, factors=0.25)],
        "gaussian noise": [mt.RandGaussianNoise(prob=1, std=0.1)],
        "Rician noise": [mt.RandRicianNoise(prob=1, std=0.1)],
        "blur": [mt.RandGaussianSmooth(prob=1, **widths)],
        "sharpen": [mt.RandGaussianSharpen(prob=1, alpha=(0.0, 1.0))],
        "bias field": [mt.RandBiasField(prob=1, degree=3, coeff_range=(-0.3, 0.3))],
        "low resolution": [
            mt.RandSimulateLowResolution(
                prob=1,
                zoom_range=(0.25, 1.0),
                upsample_mode="bilinear" if dims == 2 else "trilinear",
            )
        ],
        "Gibbs": [mt.RandGibbsNoise(prob=1, alpha=(0.0, 0.5))],
        "spike": [mt.RandKSpaceSpikeNoise(prob=1)],
    }


def batchgenerators_steps(size: Sequence[int]) -> Steps:
    turn = np.deg2rad(15)
    plain = {
        "patch_size": tuple(size),
        "patch_center_dist_from_border": 0,
        "random_crop": False,
        "border_mode_seg": "border",
    }
    return {
        "affine": [
            SpatialTransform(
                **plain, p_rotation=1, rotation=(-turn, turn), p_scaling=1, scaling=(0.9, 1.1)
            ),
            MirrorTransform(allowed_axes=(0,)),
        ],
        "elastic": [SpatialTransform(**plain, p_elastic_deform=1)],
        "gamma": [
            GammaTransform(
                gamma=(0.67, 1.5),
                p_invert_image=0,
                synchronize_channels=True,
                p_per_channel=1,
                p_retain_stats=0,
            )
        ],
        "contrast": [
            ContrastTransform(
                contrast_range=BGContrast((0.75, 1.25)),
                preserve_range=False,
                synchronize_channels=True,
            )
        ],
        "gaussian noise": [GaussianNoiseTransform(noise_variance=(0, 0.1))],
        "Rician noise": [RicianNoiseTransform(noise_variance=(0, 0.1))],
        "blur": [GaussianBlurTransform(blur_sigma=(0.5, 1.0), synchronize_axes=True)],
        "sharpen": [SharpeningTransform(strength=(0.0, 1.0))],
        "low resolution": [
            SimulateLowResolutionTransform(
                scale=(0.25, 1.0),
                synchronize_channels=True,
                synchronize_axes=False,
                ignore_axes=(),
            )
        ],
    }


def torchio_changer(steps: list[Any], images: torch.Tensor) -> Changer:
    step = tio.Compose(steps)
    whole = images if images.ndim == 5 else images[..., None]
    subjects = [tio.Subject(image=tio.ScalarImage(tensor=image)) for image in whole]
    return lambda _number: [step(subject) for subject in subjects]


def monai_changer(steps: list[Any], images: torch.Tensor) -> Changer:
    step = mt.Compose(steps)
    return lambda _number: [step(image) for image in images]


def batchgenerators_changer(steps: list[Any], images: torch.Tensor) -> Changer:
    step = ComposeTransforms(steps)
    return lambda _number: [step(image=image.clone())["image"] for image in images]
