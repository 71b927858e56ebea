"""Draws of views are read apart, and what cannot be read has no score."""

from dataclasses import replace

import numpy as np
import pytest

from anlage.alignment.intervals import patient_weights
from anlage.alignment.planted import control_of
from anlage.alignment.preservation import read_images, views_of
from anlage.alignment.shortcuts import read_background, read_constant

CONTROL = control_of("colour_jitter", seed=0, images=40)
WEIGHTS = patient_weights(CONTROL.material.patient, replicates=20, seed=0)


def views(number):
    return views_of(CONTROL.material, CONTROL.strategy.plan, seed=0, number=number)


def read(target, *, draws, first=0):
    return read_images(
        lambda number: views(first + number), CONTROL.material, target, WEIGHTS, draws=draws, seed=0
    )


def test_every_draw_has_its_own_probe_and_scores_are_averaged():
    apart = [read(CONTROL.target, draws=1, first=number) for number in range(3)]
    assert len({one.score for one in apart}) == 3
    together = read(CONTROL.target, draws=3)
    assert together.score == pytest.approx(np.mean([one.score for one in apart]))
    assert together.replicates == pytest.approx(np.mean([one.replicates for one in apart], axis=0))


def test_the_signal_kept_does_not_rise_with_the_number_of_draws():
    one, many = (read(CONTROL.target, draws=draws).score for draws in (1, 6))
    singles = [read(CONTROL.target, draws=1, first=number).score for number in range(6)]
    assert min(singles) <= many <= max(singles)
    assert many - one <= max(singles) - one


def test_a_single_class_is_not_measured():
    same = replace(CONTROL.target, values=np.zeros(40))
    assert read(same, draws=2) is None
    given = (views, CONTROL.material, same, WEIGHTS)
    assert read_constant(*given, draws=2, seed=0) is None
    assert read_background(*given, seed=0) is None


def test_labels_that_are_all_unknown_are_not_measured():
    assert read(replace(CONTROL.target, values=np.full(40, np.nan)), draws=1) is None


def test_a_quantity_is_scored_by_its_correlation_and_classes_by_their_area():
    brightness = CONTROL.material.images.double().mean(dim=(1, 2, 3)).numpy()
    quantity = read(replace(CONTROL.target, classes=(), values=brightness), draws=1).share()
    assert (quantity.kind, quantity.chance) == ("correlation", 0.0)
    classes = read(CONTROL.target, draws=1).share()
    assert (classes.kind, classes.chance) == ("AUROC", 0.5)
    assert classes.as_json()["kind"] == "AUROC"
