"""Adapt an encoder to a task: fine-tune all of it, or train a head on frozen features."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from anlage import plugins
from anlage.data.store import Store
from anlage.encoders import UNetDecoder, load_decoder
from anlage.errors import ConfigError
from anlage.modalities import Policy, view_plan
from anlage.tasks import Task, TaskNetwork
from anlage.tensors import MethodOutput
from anlage.train.distributed import World
from anlage.train.feed import FedBatch, Feed
from anlage.train.loop import LoopConfig, Outcome, fit
from anlage.train.precision import settled_precision
from anlage.train.scene import Scene, scene_of
from anlage.train.settings import AdaptConfig
from anlage.train.signals import Stop
from anlage.train.start import Start
from anlage.transforms.views import Intensities, ViewPlan, one_view
from anlage.types import ViewSpec

__all__ = ["AdaptConfig", "Fitted", "adapt", "num_steps", "training_view"]

_CROP_SCALE = {"global": (0.7, 1.0), "dense": (0.6, 1.0)}


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A network trained for a task.

    Attributes:
        network: In evaluation mode.
        scene: What it is to be shown.
        intensities: How its images are calibrated and standardised.
        outcome: How training ended.
        decoder: Where a decoder's first weights came from; empty for tasks without one.
    """

    network: TaskNetwork
    scene: Scene
    intensities: Intensities
    outcome: Outcome
    decoder: str = ""


def num_steps(config: AdaptConfig, images: int) -> int:
    """Return the weight updates for a number of labelled images."""
    wanted = round(config.epochs * images / config.batch_size)
    return max(config.min_steps, min(config.max_steps, wanted))


def adapt(
    store: Store,
    task: Task,
    start: Start,
    rows: npt.NDArray[np.int64],
    config: AdaptConfig,
    *,
    world: World,
    stop: Stop,
    folder: Path | None = None,
    what: str | None = None,
) -> Fitted:
    """Train a task's network on some labelled rows.

    Args:
        store: The images.
        task: What is to be learnt.
        start: The encoder; it is trained in place.
        rows: Labelled training rows.
        config: How.
        world: This process among its peers.
        stop: Set by a signal.
        folder: For log and checkpoints; None keeps nothing.
        what: Name of the work for the progress line; None shows none.

    Returns:
        The trained network in evaluation mode, and what it is to be shown.

    Raises:
        ConfigError: If the recipe asks for a view that the modality or the task forbids, or the
            labelled rows do not suffice for the task.
    """
    task.fit(rows)
    torch.manual_seed(config.seed)
    network, decoder = _network(start, task, is_fresh=config.decoder == "fresh")
    scene, plan = training_view(store, task, start, config)
    batch_size = _local_batch(config, world)
    network.to(world.device)
    if store.meta.dims == 2 and start.encoder.patch is None:
        network.to(memory_format=torch.channels_last)
    feed = Feed(
        store,
        rows,
        region=scene.region,
        batch_size=batch_size,
        seed=config.seed,
        device=world.device,
        with_masks=task.profile.signal == "dense",
        rank=world.rank,
        world=world.size,
    )
    with closing(feed):
        outcome = fit(
            _Objective(network, task, plan, is_frozen=config.mode == "frozen"),
            feed.batch,
            LoopConfig(
                steps=num_steps(config, len(rows)),
                batch_size=batch_size,
                learning_rate=config.learning_rate,
                weight_decay=config.weight_decay,
                average=config.average,
                precision=settled_precision(config.precision, scene.size, world.device),
            ),
            folder=folder,
            world=world,
            stop=stop,
            what=what,
        )
    return Fitted(
        network=network.eval(),
        scene=scene,
        intensities=start.intensities,
        outcome=outcome,
        decoder=decoder,
    )


def training_view(
    store: Store, task: Task, start: Start, config: AdaptConfig
) -> tuple[Scene, ViewPlan]:
    """Decide which part of an image is read for training, and how a view is made of it.

    Raises:
        ConfigError: If the recipe asks for a view that the modality or the task forbids.
    """
    policy: Policy = plugins.load("modalities", store.meta.modality)
    crop_scale = config.augmentation.crop_scale or _gentle(policy, task)
    scene = scene_of(store, size=start.image_size, field=start.field, crop_scale=crop_scale)
    plan = view_plan(
        policy,
        ViewSpec(num_views=1),
        config.augmentation.model_copy(update={"crop_scale": crop_scale}),
        modality=store.meta.modality,
        size=scene.size,
        intensities=start.intensities,
        task=task.profile,
    )
    return scene, plan


class _Objective(nn.Module):
    """Makes one labelled view of every crop and asks the task for its loss."""

    def __init__(
        self, network: TaskNetwork, task: Task, plan: ViewPlan, *, is_frozen: bool
    ) -> None:
        super().__init__()
        self.network = network
        self._task, self._plan, self._is_frozen = task, plan, is_frozen
        if is_frozen:
            network.encoder.requires_grad_(False)

    def forward(self, fed: FedBatch) -> MethodOutput:
        """Return the task's loss on one batch."""
        if self._is_frozen:
            self.network.encoder.eval()
        images, label_maps = one_view(fed.crops, self._plan, draws=fed.draws)
        return self._task.loss(self.network(images), fed.crops.sample, label_maps)


def _network(start: Start, task: Task, *, is_fresh: bool) -> tuple[TaskNetwork, str]:
    """Put the task's head behind the encoder; a pretrained decoder comes along if it shall."""
    network = task.network(start.encoder)
    if not isinstance(network.head, UNetDecoder):
        return network, ""
    kept = start.card.decoder if start.card else None
    if is_fresh or kept is None or start.folder is None:
        return network, "fresh"
    if kept.width_cap != network.head.width_cap:  # its twin from scratch has the task's width
        return network, (
            f"fresh, since the pretrained one has width_cap {kept.width_cap} and the task "
            f"{network.head.width_cap}"
        )
    decoder, _ = load_decoder(start.folder, start.encoder, out_channels=task.outputs)
    decoder.head.reset_parameters()  # it painted pixels, even where the number of channels agrees
    return task.network(start.encoder, decoder), "pretrained, with a fresh head"


def _local_batch(config: AdaptConfig, world: World) -> int:
    if config.batch_size % world.size:
        raise ConfigError(
            f"batch_size must be a multiple of the number of processes ({world.size}), got "
            f"{config.batch_size}. Change one of them."
        )
    return config.batch_size // world.size


def _gentle(policy: Policy, task: Task) -> tuple[float, float]:
    """Crop less than pretraining does: what the label speaks of must stay in the view."""
    low, high = _CROP_SCALE[task.profile.signal]
    return (max(low, policy.crop.least_scale), high)
