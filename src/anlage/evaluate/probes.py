"""The linear probe of frozen features, and raw pixels as features to compare them with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.evaluate.windows import shown
from anlage.train.scene import Scene, scene_of
from anlage.transforms.views import Intensities

__all__ = ["linear_probabilities", "pixel_features"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_C_GRID = (0.001, 0.01, 0.1, 1.0, 10.0)
_C_UNCHOSEN = 1.0
_PIXELS = {2: 16, 3: 8}


def linear_probabilities(
    train: Floats,
    target: Ints,
    validation: Floats,
    validation_target: Ints,
    test: Floats,
    *,
    unlabelled: Floats,
    classes: int,
) -> Floats:
    """Fit a class-balanced logistic regression; its strength is chosen on validation cases.

    Features are scaled by their mean and spread over many training images, not over the few that
    have labels: the spread of two images per feature is noise, and dividing by it drowns the
    signal (LOG.md has the numbers).

    Args:
        train: Features of the training cases, (n, E).
        target: Their classes, (n,).
        validation: Features of the validation cases; without any, the strength is 1.
        validation_target: Their classes.
        test: Features of the cases to judge, (m, E).
        unlabelled: Features of training images, with labels or without, (u, E); those that are
            not finite are left out.
        classes: Number of classes, K.

    Returns:
        (m, K); classes that the training cases lack get probability 0. NaN for cases whose
        features are not finite.

    Raises:
        ConfigError: If all training cases are of one class.
        DataError: If a training or validation feature is not finite.
    """
    if len(np.unique(target)) < 2:
        raise ConfigError(
            f"a linear probe needs training images of at least two classes, got {len(target)} "
            "of one. Use a larger budget or another label."
        )
    if not (np.isfinite(train).all() and np.isfinite(validation).all()):
        raise DataError(
            "a linear probe needs finite features, got some that are not. Pretrain again with a "
            "lower learning rate."
        )
    scaler = StandardScaler().fit(unlabelled[np.isfinite(unlabelled).all(axis=1)])
    strengths = _C_GRID if len(validation) else (_C_UNCHOSEN,)
    models = [
        LogisticRegression(C=strength, class_weight="balanced", max_iter=1000).fit(
            scaler.transform(train), target
        )
        for strength in strengths
    ]
    best = models[0]
    if len(validation):
        guesses = [model.predict(scaler.transform(validation)) for model in models]
        scores = [_balanced_accuracy(guess, validation_target) for guess in guesses]
        best = models[int(np.argmax(scores))]  # of equals the simplest
    is_usable = np.isfinite(test).all(axis=1)
    probabilities = np.full((len(test), classes), np.nan, dtype=np.float32)
    probabilities[is_usable] = 0
    if is_usable.any():
        found = best.predict_proba(scaler.transform(test[is_usable]))
        probabilities[np.ix_(is_usable, best.classes_)] = found
    return probabilities


def pixel_features(store: Store, rows: Ints, scene: Scene, intensities: Intensities) -> Floats:
    """Return images shrunk to 16 x 16 (2D) or 8 x 8 x 8 (3D) as features: the raw-pixel control.

    They are whole images, also where an encoder is shown windows: the mean of windows of pixels
    would be a blur, and no control.
    """
    whole = scene_of(store, size=scene.size, field="image")
    small = whole.model_copy(update={"size": (_PIXELS[store.meta.dims],) * store.meta.dims})
    views = shown(store, rows, small, intensities)
    features: Floats = np.concatenate([images.flatten(1).numpy() for _, images in views])
    return features


def _balanced_accuracy(guess: Ints, truth: Ints) -> float:
    return float(np.mean([np.mean(guess[truth == value] == value) for value in np.unique(truth)]))
