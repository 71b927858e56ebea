"""One pretraining run, put together: what `anlage pretrain` trains, and what it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from anlage import plugins
from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.encoders import Encoder, EncoderCard, PretrainedOn, build_encoder, save_encoder
from anlage.errors import ConfigError
from anlage.methods import MapsErrors, Method
from anlage.modalities import Policy, view_pixel_mm, view_plan
from anlage.tensors import Images, Masks, MethodOutput, Views
from anlage.train import runs
from anlage.train.distributed import World
from anlage.train.feed import FedBatch, Feed
from anlage.train.loop import LoopConfig, Outcome
from anlage.train.pictures import draw_views
from anlage.train.precision import Precision, autocast, settled_precision
from anlage.train.scene import Scene, measure_intensities, scene_of
from anlage.train.settings import PretrainConfig
from anlage.train.spacing import shown_spacing_mm
from anlage.transforms.masks import Guide
from anlage.transforms.views import Intensities, ViewPlan, make_views

__all__ = ["PretrainJob"]


class PretrainJob:
    """From settings to networks, feed and plan; from a trained method to its files."""

    def __init__(self, store: Store, config: PretrainConfig, world: World) -> None:
        self.store, self.config, self.world = store, config, world
        self.rows = _rows(store, config)
        self.policy: Policy = plugins.load("modalities", store.meta.modality)
        self.scene: Scene = scene_of(
            store,
            size=config.image_size,
            field=config.field,
            crop_scale=config.augmentation.crop_scale or self.policy.crop.scale,
        )
        self.precision = settled_precision(config.precision, self.scene.size, world.device)
        torch.manual_seed(config.seed)
        self.encoder: Encoder = build_encoder(
            config.encoder,
            dims=store.meta.dims,
            channels=store.meta.channels,
            image_size=self.scene.size,
            options=config.encoder_options,
        )
        plugin = plugins.load("methods", config.method)
        self.method_config: BaseConfig = plugin.Config.parse(
            config.method_options, where=f"method {config.method}"
        )
        self.method: Method = plugin(self.encoder, self.method_config)
        self.intensities: Intensities = measure_intensities(
            store, self.rows, window=config.augmentation.window
        )
        self.plan = view_plan(
            self.policy,
            self.method.spec,
            config.augmentation,
            modality=store.meta.modality,
            size=self.scene.size,
            intensities=self.intensities,
            patch=self.encoder.patch,
            pixel_mm=view_pixel_mm(
                store.spacing_mm[self.rows],
                region=self.scene.region,
                size=self.scene.size,
                crop_scale=config.augmentation.crop_scale or self.policy.crop.scale,
            ),
        )
        self.guide = None if self.plan.masking is None else self.plan.masking.mask.guide
        _check_guide(self.guide, config, self.method, has_mask=store.has_mask[self.rows])
        self.local_batch = _local_batch(config, len(self.rows), world)
        self.feed = Feed(
            store,
            self.rows,
            region=self.scene.region,
            batch_size=self.local_batch // config.accumulate,
            seed=config.seed,
            device=world.device,
            with_masks=self.guide == "labels",
            rank=world.rank,
            world=world.size,
        )
        self.objective = _Objective(
            self.method.to(world.device),
            self.feed,
            self.plan,
            steps=self.steps,
            accumulate=config.accumulate,
            precision=self.precision,
        )
        if store.meta.dims == 2 and self.encoder.patch is None:
            self.objective.to(memory_format=torch.channels_last)

    @property
    def steps(self) -> int:
        """Number of weight updates."""
        if self.config.steps is not None:
            return self.config.steps
        batch = self.local_batch * self.world.size
        return max(1, round(self.config.epochs * len(self.rows) / batch))

    def loop_config(self) -> LoopConfig:
        """Return the loop's settings."""
        config = self.config
        rate = config.learning_rate or (1e-3 if self.encoder.patch is None else 5e-4)
        return LoopConfig(
            steps=self.steps,
            batch_size=self.local_batch,
            accumulate=config.accumulate,
            learning_rate=rate,
            weight_decay=config.weight_decay,
            teacher_momentum=config.teacher_momentum,
            precision=self.precision,
            compile=config.compile,
            log_every=config.log_every,
            checkpoint_s=config.checkpoint_s,
            checkpoint_every=config.checkpoint_every,
        )

    def facts(self) -> dict[str, Any]:
        """Return what must not change between the parts of a run."""
        return {
            "store": self.store.fingerprint,
            "images": len(self.rows),
            "steps_planned": self.steps,
        }

    def describe(self) -> str:
        """Return one line that says what will be done."""
        size = "x".join(map(str, self.scene.size))
        parameters = sum(p.numel() for p in self.encoder.parameters()) / 1e6
        return (
            f"{self.config.method} with {self.config.encoder} ({parameters:.1f} M parameters) on "
            f"{len(self.rows):,} images ({len(set(self.store.patients[self.rows].tolist())):,} "
            f"patients), views of {size}, {self.steps:,} steps of "
            f"{self.local_batch * self.world.size} images{self._why_less()}"
            f"{', masks guided by their label maps' if self.guide == 'labels' else ''}"
        )

    def _why_less(self) -> str:
        if self.local_batch * self.world.size == self.config.batch_size:
            return ""
        return f" (batch_size {self.config.batch_size:,} is more than there are)"

    def mild_views(self, *, group: str = "") -> str | None:
        """Return what the user should know of views that are only tolerated, and how to act.

        Args:
            group: What the settings of views lie in, such as "pretrain."; empty for none.
        """
        rules = {step.name: self.policy.views.get(step.name) for step in self.plan.steps}
        mild = {name: rule for name, rule in rules.items() if rule and rule.level == "mild"}
        if not mild:
            return None
        mirrors = [name for name, rule in mild.items() if rule.transform == "flip"]
        first = next(iter([*mirrors, *mild]))
        chosen = mild[first]
        others = [name for name in mild if name != first]
        more = f" Other mild views: {', '.join(others)}." if others else ""
        return (
            f"  mild view {first} is on ({chosen.p:.0%} of views): {chosen.because}. Off with "
            f"--set {group}augmentation.views.{first}=null.{more}"
        )

    def draw(self, path: Path) -> None:
        """Draw what the method is shown of the first images."""
        fed = self.feed.batch(0)
        views = self.objective.views(fed, 0)
        draw_views(path, fed.crops, views, self.intensities)

    def close(self) -> None:
        """Stop reading ahead."""
        self.feed.close()

    def save(self, folder: Path, outcome: Outcome) -> None:
        """Write the encoder, its card and the hashes of the images it has seen."""
        card = EncoderCard.of(
            self.encoder,
            modality=self.store.meta.modality,
            field=self.scene.field,
            spacing_mm=shown_spacing_mm(self.store, self.scene, self.rows),
            unit_range=(self.intensities.low, self.intensities.high),
            mean=self.intensities.mean,
            std=self.intensities.std,
            method=self.config.method,
            method_config=self.method_config.model_dump(mode="json"),
            store_fingerprint=self.store.fingerprint,
            pretrained_on=PretrainedOn(
                images=len(self.rows),
                patients=len(set(self.store.patients[self.rows].tolist())),
                split=self.config.split,
                is_transductive="test" in self.config.parts,
                used_label_maps=self.guide == "labels",
            ),
            steps=outcome.step,
            seed=self.config.seed,
            anlage_version=runs.environment()["anlage"],
            commit=runs.environment()["commit"],
            created=runs.now(),
        )
        hashes = self.store.index["sha256"].gather(self.rows.tolist()).to_list()
        runs.write_json(folder / "pretrained_on.json", {"sha256": sorted(hashes)})
        save_encoder(folder / "encoder", self.encoder, card, decoder=self.method.decoder)


class _Objective(nn.Module):
    """Makes views of raw crops on the device and hands them to the method."""

    def __init__(
        self,
        method: Method,
        feed: Feed,
        plan: ViewPlan,
        *,
        steps: int,
        accumulate: int,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.method, self.teachers = method, method.teachers
        self._feed, self._plan = feed, plan
        self._steps, self._accumulate, self._precision = steps, accumulate, precision

    def batch(self, number: int) -> Views:
        """Return the views of micro-batch ``number``."""
        return self.views(self._feed.batch(number), number)

    def views(self, fed: FedBatch, number: int) -> Views:
        """Return the views of some crops as micro-batch ``number`` would show them."""
        return make_views(
            fed.crops,
            self._plan,
            self.method.spec,
            draws=fed.draws,
            progress=number // self._accumulate / self._steps,
            errors=self._errors,
        )

    def _errors(self, images: Images, masks: Masks) -> Tensor:
        assert isinstance(self.method, MapsErrors), "a guide that was not checked"
        with autocast(self._precision, images.device):
            return self.method.error_map(images, masks)

    def forward(self, views: Views) -> MethodOutput:
        """Return the method's loss."""
        output: MethodOutput = self.method(views)
        return output


def _rows(store: Store, config: PretrainConfig) -> npt.NDArray[np.int64]:
    parts = store.split(config.split)
    rows = np.unique(np.concatenate([parts[part] for part in config.parts]))
    if not len(rows):
        raise ConfigError(
            f"pretraining needs images in {', '.join(config.parts)} of split {config.split!r}, "
            "got none. Choose other parts."
        )
    is_contrast = plugins.family("methods", config.method) == "contrastive"
    if is_contrast and len(np.unique(store.patients[rows])) < 2:
        raise ConfigError(
            f"{config.method} contrasts patients and needs at least 2, the images in "
            f"{', '.join(config.parts)} of split {config.split!r} come from one. Add patients, "
            "or use a method without negatives, such as mae."
        )
    return rows


def _check_guide(
    guide: Guide | None,
    config: PretrainConfig,
    method: Method,
    *,
    has_mask: npt.NDArray[np.bool_],
) -> None:
    kind = config.augmentation.mask.kind
    if guide == "labels" and config.parts != ("train",):
        raise ConfigError(
            f"mask {kind} reads label maps, so it must see the part train alone, got "
            f"{', '.join(config.parts)}. Leave parts out, or choose another mask."
        )
    if guide == "labels" and not has_mask.any():
        raise ConfigError(
            f"mask {kind} needs images with label maps, the {len(has_mask)} images in "
            f"{', '.join(config.parts)} of split {config.split!r} have none. Prepare the store "
            "with masks, or choose another mask."
        )
    if guide == "errors" and not isinstance(method, MapsErrors):
        raise ConfigError(
            f"mask {kind} needs a method that measures its error at every position, "
            f"{config.method} does not. Choose another mask, or a method such as mae."
        )


def _local_batch(config: PretrainConfig, images: int, world: World) -> int:
    """Return images per update and process; a batch never holds more than all images."""
    share = world.size * config.accumulate
    if config.batch_size % share:
        raise ConfigError(
            f"batch_size must be a multiple of processes x accumulate ({share}), got "
            f"{config.batch_size}. Change one of them."
        )
    whole = min(config.batch_size, images // share * share)
    if whole < 2 * share:
        raise ConfigError(
            f"pretraining needs at least {2 * share} images for {share} parts of a batch, got "
            f"{images}. Add images, or use fewer processes and accumulate less."
        )
    return whole // world.size
