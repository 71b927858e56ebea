"""Do one adaptation of a study and keep its predictions on the test cases."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.evaluate.pictures import draw_worst_cases
from anlage.evaluate.predict import case_table, embed, predict
from anlage.evaluate.probes import linear_probabilities, pixel_features
from anlage.metrics import Statistic
from anlage.metrics.statistics.knn_votes import knn_votes
from anlage.study._twin import calibrate
from anlage.study.ledger import Ledger
from anlage.study.plan import Adaptation, StudyPlan, TaskPlan
from anlage.train.adapt import Fitted, adapt
from anlage.train.distributed import World
from anlage.train.runs import environment
from anlage.train.scene import scene_of
from anlage.train.settings import AdaptConfig
from anlage.train.signals import Stop
from anlage.train.start import Start, load_start, seen_by

__all__ = ["Workshop"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_RUN = ("anlage", "commit", "threads", "device")  # what a number depends on besides settings


_MOST_LEARNT = 200  # labelled images that are asked whether they were learnt


@dataclass(frozen=True, kw_only=True)
class Score:
    """A headline metric, and which way is better."""

    value: float | None
    direction: str


@dataclass
class Workshop:
    """Everything that the adaptations of one study share.

    Attributes:
        store: The images.
        plan: All jobs.
        ledger: Where results are kept.
        world: Device.
        stop: Set by a signal.
    """

    store: Store
    plan: StudyPlan
    ledger: Ledger
    world: World
    stop: Stop
    _features: dict[str, Floats] = field(default_factory=dict)

    def do(self, job: Adaptation) -> bool:
        """Do a job and keep its result; return False if a signal stopped it.

        Raises:
            AnlageError: If the job cannot be done.
        """
        started = time.monotonic()
        facts: dict[str, Any] = {}
        if job.rung == "prior":
            cases = self._prior(job)
        elif job.rung in {"knn", "linear"}:
            cases = self._probe(job)
        else:
            tuned = self._tune(job)
            if tuned is None:
                return False
            cases, facts = tuned
        self.ledger.keep(
            job.key,
            {
                "task": job.task,
                "arm": job.arm,
                "rung": job.rung,
                "budget": job.labels.budget,
                "draw": job.labels.draw,
                "seed": job.seed,
                "train_images": len(job.labels.train),
                "train_patients": len(set(self.store.patients[job.labels.train].tolist())),
                "validation_images": len(job.labels.validation),
                "seconds": round(time.monotonic() - started, 2),
                **facts,
                "run": {name: environment()[name] for name in _RUN},
            },
            cases,
        )
        return True

    def _prior(self, job: Adaptation) -> pl.DataFrame:
        place = self.plan.tasks[job.task]
        answer = place.task.prior(job.labels.train)
        return self._table(place, {row: answer(row) for row in place.test.tolist()})

    def _probe(self, job: Adaptation) -> pl.DataFrame:
        features = self._embedded(job)
        place, labels = self.plan.tasks[job.task], job.labels
        target, test = place.task.strata, place.test
        scores: npt.NDArray[Any]
        if job.rung == "knn":
            scores = knn_votes(
                features[test],
                reference_target=target[labels.train],
                reference=features[labels.train],
                num_classes=place.task.outputs,
            )
        else:
            scores = linear_probabilities(
                features[labels.train],
                target[labels.train],
                features[labels.validation],
                target[labels.validation],
                features[test],
                unlabelled=features[self.store.split(job.settings["split"])["train"]],
                classes=place.task.outputs,
            )
        rows = dict(zip(test.tolist(), np.asarray(scores, dtype=np.float32), strict=True))
        return self._table(place, rows)

    def _tune(self, job: Adaptation) -> tuple[pl.DataFrame, dict[str, Any]] | None:
        """Adapt once per learning rate, keep what does best on the budget's validation labels.

        Rates whose training did not end with finite weights are passed over.
        """
        best: tuple[float, float, Fitted] | None = None
        rates = job.settings["learning_rates"]
        if not len(job.labels.validation):
            rates = rates[:1]  # nothing to choose by: training labels would choose the overfit
        reasons = []
        for rate in rates:
            fitted = self._adapt(job, rate)
            if fitted.outcome.status == "stopped":
                return None
            if fitted.outcome.status != "finished":
                reasons.append(f"learning rate {rate:g}: {fitted.outcome.reason}")
                continue
            score = self._validate(fitted, job) if len(rates) > 1 else 0.0
            if best is None or score > best[0]:
                best = (score, rate, fitted)
        if best is None:
            raise DataError(f"fine-tuning must end with finite weights: {'; '.join(reasons)}.")
        score, rate, fitted = best
        place = self.plan.tasks[job.task]
        cases = predict(fitted, place.task, self.store, place.test, device=self.world.device)
        if job.labels.draw == 0 and job.seed == 0:
            draw_worst_cases(
                self.ledger.picture(job.key),
                fitted,
                place.task,
                self.store,
                cases,
                device=self.world.device,
            )
        facts = {
            "learning_rate": rate,
            "validation": score,
            "training": self._score(fitted, job, _even(job.labels.train, _MOST_LEARNT)).value,
            "steps": fitted.outcome.step,
            "parameters": sum(p.numel() for p in fitted.network.parameters()),
        }
        return cases, facts

    def _adapt(self, job: Adaptation, rate: float) -> Fitted:
        config = AdaptConfig.parse(
            {
                **job.adapt.model_dump(mode="json"),
                "mode": "finetune" if job.rung == "finetune" else "frozen",
                "learning_rate": rate,
                "seed": 1000 * job.seed + job.labels.draw,
            },
            where="adapt",
        )
        return adapt(
            self.store,
            self.plan.tasks[job.task].task,
            self._start(job),
            job.labels.train,
            config,
            world=self.world,
            stop=self.stop,
        )

    def _validate(self, fitted: Fitted, job: Adaptation) -> float:
        """Score on the budget's validation labels, above is better."""
        found = self._score(fitted, job, job.labels.validation)
        sign = 1 if found.direction == "higher" else -1
        return -np.inf if found.value is None else sign * found.value

    def _score(self, fitted: Fitted, job: Adaptation, rows: Rows) -> Score:
        task = self.plan.tasks[job.task].task
        cases = predict(fitted, task, self.store, rows, device=self.world.device)
        statistic: Statistic = task.metrics(cases)[task.headline]
        return Score(value=statistic.value().value, direction=statistic.direction)

    def _embedded(self, job: Adaptation) -> Floats:
        """Return features of all images, computed once per encoder."""
        name = job.pretraining.key if job.pretraining else f"{job.arm}-{job.seed}"
        if name not in self._features:
            rows = np.arange(len(self.store))
            start = self._start(job)
            scene = scene_of(self.store, size=start.image_size, field=start.field)
            if job.arm == "pixels":
                found = pixel_features(self.store, rows, scene, start.intensities)
            else:
                found = embed(
                    start.encoder,
                    self.store,
                    rows,
                    scene,
                    start.intensities,
                    device=self.world.device,
                )
            self._features[name] = found
        return self._features[name]

    def _start(self, job: Adaptation) -> Start:
        folder = "imagenet" if job.arm == "imagenet" else "scratch"
        if job.pretraining is not None:
            path: str | Path = self.ledger.pretraining(job.pretraining.key)
            seen = seen_by(path, self.store, self._unlike_training(job))
            if seen:
                raise DataError(
                    f"an encoder must not have seen test images, this one saw {seen}. Pretrain on "
                    "the training part of the same split."
                )
        else:
            path = folder
        train = self.store.split(job.settings["split"])["train"]
        start = load_start(
            path,
            self.store,
            train,
            encoder=job.settings["encoder"],
            encoder_options=job.settings["encoder_options"],
            image_size=job.settings["image_size"],
            field=job.settings["field"],
            window=job.settings["window"],
            seed=job.seed,
        )
        if job.arm == "random_frozen":
            calibrate(start, self.store, train, device=self.world.device)
        return start

    def _unlike_training(self, job: Adaptation) -> Rows:
        """Return the test rows whose pixels are not in the training part too: allowed leaks."""
        hashes = self.store.index["sha256"].to_list()
        train = self.store.split(job.settings["split"])["train"]
        known = {hashes[row] for row in train.tolist()}
        test = self.plan.tasks[job.task].test
        return test[[hashes[row] not in known for row in test.tolist()]]

    def _table(self, place: TaskPlan, answers: Mapping[int, Floats]) -> pl.DataFrame:
        records = {row: place.task.record(row, answer) for row, answer in answers.items()}
        return case_table(self.store, place.test, records)


def _even(rows: Rows, most: int) -> Rows:
    places = np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)
    chosen: Rows = rows[places]
    return chosen
