"""Do the intervals cover what they promise, and does the paired test keep its size?

Simulated patients with several cases each, scores whose truth is known, and one to five runs
with a spread of their own. Prints one Markdown table for intervals and one for the test.

    python benchmarks/coverage.py --trials 2000
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from anlage.metrics import Statistic
from anlage.metrics.classification.auroc import auroc_score
from anlage.metrics.classification.sensitivity_at_specificity import (
    sensitivity_at_specificity_score,
)
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.statistics.case_mean import case_mean
from anlage.metrics.statistics.cluster_bootstrap import cluster_bootstrap
from anlage.metrics.statistics.paired_difference import paired_difference


@dataclass(frozen=True)
class World:
    """Where the simulated numbers come from.

    ``gap`` is the distance of positives from negatives in units of the total spread, for
    ``dice`` the place of the mean on a logistic scale; ``run_std`` moves it from run to run.
    The cases of a patient share two fifths of their variance.
    """

    metric: str
    patients: int
    runs: int = 1
    gap: float = 1.5
    run_std: float = 0.0

    def draw(self, rng, num_arms=1):
        """Return arms of runs, the patient of each case, and its class (None for dice)."""
        patient = np.repeat(np.arange(self.patients), rng.integers(1, 4, self.patients))
        is_ill = rng.permutation(self.patients) < round(0.4 * self.patients)
        label = is_ill[patient].astype(int)

        def noise(variance):
            of_patient = rng.standard_normal(self.patients)[patient]
            of_case = rng.standard_normal(len(patient))
            return np.sqrt(variance / 2) * (of_patient + of_case)

        shared = noise(0.5)
        arms = []
        for _ in range(num_arms):
            base = shared + noise(0.3)
            gaps = self.gap + self.run_std * rng.standard_normal(self.runs)
            scores = [(gap, base + np.sqrt(0.2) * rng.standard_normal(len(base))) for gap in gaps]
            arms.append([self._statistic(label, gap, score) for gap, score in scores])
        return arms, patient, None if self.metric == "dice" else label

    def truth(self):
        """Return the expected value over patients and runs."""
        draws, others = np.random.default_rng(0).standard_normal((2, 2_000_000))
        gaps = self.gap + self.run_std * draws
        if self.metric == "dice":
            return float(expit(gaps + others).mean())
        if self.metric == "auroc":
            return float(ndtr(gaps / np.sqrt(2)).mean())
        return float(ndtr(gaps - ndtri(0.8)).mean())

    def _statistic(self, label, gap, noise) -> Statistic:
        if self.metric == "dice":
            return case_mean(expit(gap + noise), metric=dice_score)
        if self.metric == "auroc":
            return auroc_score.prepare(label, gap * label + noise)
        return sensitivity_at_specificity_score.prepare(label, gap * label + noise, specificity=0.8)


def coverage(world, trials, seed):
    """Return the share of intervals that hold the truth, and of those that miss above it."""
    rng, truth = np.random.default_rng(seed), world.truth()
    inside, below, width = [], [], []
    for _ in range(trials):
        (arm,), patient, label = world.draw(rng)
        found = cluster_bootstrap(arm, groups=patient, strata=label, seed=rng)
        plain = np.quantile(found.replicates, [0.025, 0.975])
        inside.append([found.low <= truth <= found.high, plain[0] <= truth <= plain[1]])
        below.append(found.high < truth)
        width.append(found.high - found.low)
    return (*np.mean(inside, axis=0), np.mean(below), np.mean(width))


def size(world, trials, seed):
    """Return how often the test rejects, and the interval excludes 0, without a difference."""
    rng = np.random.default_rng(seed)
    rejected, excluded = [], []
    for _ in range(trials):
        (first, second), patient, label = world.draw(rng, num_arms=2)
        found = paired_difference(
            first, second, groups=patient, strata=label, seed=rng, num_permutations=2000
        )
        rejected.append(found.p_value <= 0.05)
        excluded.append(not found.delta.low <= 0 <= found.delta.high)
    return np.mean(rejected), np.mean(excluded)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.time()
    print(
        f"{options.trials} trials each, seed {options.seed}, 2000 replicates, 95 % and 5 % wanted\n"
    )
    print(
        "| metric | patients | runs | gap | run std | covers | plain percentiles | truth above | "
        "width |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for world in (
        World("dice", 50),
        World("dice", 200),
        World("auroc", 50),
        World("auroc", 200),
        World("auroc", 50, gap=2.5),
        World("auroc", 200, gap=2.5),
        World("sens@spec", 50),
        World("sens@spec", 200),
        World("dice", 100, runs=3, run_std=0.1),
        World("dice", 100, runs=3, run_std=0.5),
        World("auroc", 100, runs=3),
        World("auroc", 100, runs=3, run_std=0.3),
        World("auroc", 100, runs=5, run_std=0.3),
    ):
        found, plain, above, width = coverage(world, options.trials, options.seed)
        print(
            f"| {world.metric} | {world.patients} | {world.runs} | {world.gap} | {world.run_std} | "
            f"{found:.1%} | {plain:.1%} | {above:.1%} | {width:.3f} |",
            flush=True,
        )
    print("\n| metric | patients | runs | gap | run std | p <= 0.05 | interval without 0 |")
    print("|---|---|---|---|---|---|---|")
    for world in (
        World("dice", 50),
        World("dice", 200),
        World("auroc", 50),
        World("auroc", 200),
        World("auroc", 50, gap=2.5),
        World("sens@spec", 200),
        World("dice", 100, runs=3, run_std=0.3),
        World("auroc", 100, runs=3),
        World("auroc", 100, runs=3, run_std=0.3),
        World("auroc", 100, runs=5, run_std=0.3),
    ):
        rejected, excluded = size(world, options.trials, options.seed)
        print(
            f"| {world.metric} | {world.patients} | {world.runs} | {world.gap} | {world.run_std} | "
            f"{rejected:.1%} | {excluded:.1%} |",
            flush=True,
        )
    print(f"\n{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
