"""Classification: losses against references, weights from training targets, hard cases."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from anlage.encoders import build_encoder
from anlage.errors import ConfigError
from anlage.tasks.classification import Classification, class_loss, multilabel_loss

THREE = ["cat", "dog", None, "cat", "emu", "cat"]


def made(store, labels=("kind",), **options):
    return Classification(store, labels=labels, config=Classification.Config(**options))


def numpy_focal(logits, target, weights, gamma):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = p[np.arange(len(target)), target]
    w = np.asarray(weights)[target]
    return (w * (1 - p) ** gamma * -np.log(p)).sum() / w.sum()


@pytest.fixture
def logits():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(7, 3)))


# ---------------------------------------------------------------- losses


def test_class_loss_without_focus_is_torchs(logits):
    target, weights = torch.tensor([0, 1, 2, 2, 1, 0, 0]), torch.tensor([1.0, 2.0, 0.5]).double()
    expected = F.cross_entropy(logits, target, weight=weights)
    torch.testing.assert_close(class_loss(logits, target, class_weights=weights, gamma=0), expected)
    torch.testing.assert_close(
        class_loss(logits, target, class_weights=None, gamma=0), F.cross_entropy(logits, target)
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_class_loss_is_the_formula(logits, gamma):
    target, weights = [0, 1, 2, 2, 1, 0, 0], [1.0, 2.0, 0.5]
    expected = numpy_focal(logits.numpy(), np.array(target), weights, gamma)
    found = class_loss(
        logits, torch.tensor(target), class_weights=torch.tensor(weights).double(), gamma=gamma
    )
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_certain_answers_give_finite_losses_and_gradients(gamma):
    logits = torch.tensor([[90.0, -90.0], [-90.0, 90.0]], requires_grad=True)
    loss = class_loss(logits, torch.tensor([0, 0]), class_weights=None, gamma=gamma)
    loss.backward()
    assert loss.item() == pytest.approx(90.0)
    assert torch.isfinite(logits.grad).all()


def test_multilabel_loss_without_focus_is_torchs(logits):
    target, weights = (logits > 0.2).long(), torch.tensor([1.0, 3.0, 0.5]).double()
    expected = F.binary_cross_entropy_with_logits(logits, target.double(), pos_weight=weights)
    torch.testing.assert_close(
        multilabel_loss(logits, target, positive_weights=weights, gamma=0), expected
    )


def test_focal_multilabel_loss_is_the_formula(logits):
    target = (logits > -0.3).long()
    p = torch.sigmoid(logits).numpy()
    right = np.where(target.numpy() == 1, p, 1 - p)
    expected = (-((1 - right) ** 2) * np.log(right)).mean()
    found = multilabel_loss(logits, target, positive_weights=None, gamma=2.0)
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_a_larger_gamma_forgives_easy_cases(logits):
    target = logits.argmax(dim=1)
    losses = [class_loss(logits, target, class_weights=None, gamma=g).item() for g in (0, 1, 3)]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 3


# ---------------------------------------------------------------- targets


def test_classes_are_the_sorted_values_and_missing_ones_are_unlabelled(targets):
    task = made(targets(labels={"kind": THREE}))
    assert task.classes == ("cat", "dog", "emu")
    assert task.strata.tolist() == [0, 1, -1, 0, 2, 0]
    assert task.is_labelled.tolist() == [True, True, False, True, True, True]


def test_numeric_classes_keep_their_order_and_short_names(targets):
    task = made(targets(labels={"kind": [10.0, 2.0, 0.5]}))
    assert task.classes == ("0.5", "2", "10")


def test_several_columns_are_several_labels(targets):
    task = made(targets(labels={"a": [1.0, 0.0, None], "b": [1.0, 1.0, 0.0]}), labels=("a", "b"))
    assert task.classes == ("a", "b")
    assert task.is_labelled.tolist() == [True, True, False]
    assert task.headline == "auroc"
    assert task.rungs == ("frozen", "finetune")


def test_an_image_of_several_labels_belongs_to_its_rarest(targets):
    columns = {"a": [1.0, 1.0, 1.0, 0.0], "b": [0.0, 1.0, 0.0, 0.0]}
    task = made(targets(labels=columns), labels=("a", "b"))
    assert task.strata.tolist() == [1, 2, 1, 0]


@pytest.mark.parametrize(
    ("columns", "labels", "words"),
    [
        ({"kind": ["a", "b"]}, (), "needs a label column, got none. .*has: kind"),
        ({"kind": ["a", "a", None]}, ("kind",), r"at least two classes .*got \['a'\]"),
        ({"kind": [None, None]}, ("kind",), "at least two classes"),
        ({"kind": [float(n) for n in range(101)]}, ("kind",), "up to 100 classes, .* has 101"),
        ({"a": [0.0, 2.0], "b": [0.0, 1.0]}, ("a", "b"), r"0 or 1, label 'a' also has \['2'\]"),
        ({"a": ["x", "y"], "b": [0.0, 1.0]}, ("a", "b"), "label 'a' also has"),
    ],
)
def test_targets_that_cannot_be_are_refused(targets, columns, labels, words):
    with pytest.raises(ConfigError, match=words):
        made(targets(labels=columns), labels=labels)


def test_a_trained_models_classes_keep_their_order(targets):
    store = targets(labels={"kind": ["b", "a"]})
    task = Classification(store, labels=("kind",), classes=("c", "b", "a"))
    assert task.strata.tolist() == [1, 2]
    assert task.outputs == 3


def test_a_class_that_a_model_does_not_know_is_refused(targets):
    store = targets(labels={"kind": ["a", "zebra"]})
    with pytest.raises(
        ConfigError, match=r"classes that the model knows \(a, b\), got \['zebra'\]"
    ):
        Classification(store, labels=("kind",), classes=("a", "b"))


# ---------------------------------------------------------------- weights


def weighted_loss(task, output, rows):
    return task.loss(output, torch.tensor(rows), None).loss.item()


def test_balanced_weights_are_sklearns(targets):
    task = made(targets(labels={"kind": THREE}))
    rows = np.array([0, 1, 3, 4, 5])
    task.fit(rows)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=task.strata[rows])
    assert task._weights.numpy() == pytest.approx(expected)


def test_weights_come_from_the_training_rows_alone(targets):
    task = made(targets(labels={"kind": ["a", "b", "a", "a", "a", "a"]}))
    task.fit(np.array([0, 1]))
    assert task._weights.tolist() == [1.0, 1.0]


def test_a_class_without_training_images_keeps_weights_finite(targets):
    task = made(targets(labels={"kind": THREE}))
    task.fit(np.array([0, 1, 3]))
    assert torch.isfinite(task._weights).all()
    assert task._weights[:2].tolist() == pytest.approx([0.75, 1.5])


def test_one_class_in_training_is_refused_by_name(targets):
    task = made(targets(labels={"kind": THREE}))
    with pytest.raises(ConfigError, match="at least two classes, got only 'cat'"):
        task.fit(np.array([0, 3, 5]))


def test_positive_weights_are_negatives_over_positives(targets):
    columns = {"a": [1.0, 0.0, 0.0, 0.0], "b": [0.0, 0.0, 0.0, 0.0], "c": [1.0] * 4}
    task = made(targets(labels=columns), labels=("a", "b", "c"))
    task.fit(np.arange(4))
    assert task._weights.tolist() == pytest.approx([3.0, 4.0, 0.25])


@pytest.mark.parametrize("options", [{"class_weights": "none"}, {"focal_gamma": 2.0}])
@pytest.mark.parametrize("labels", [("kind",), ("a", "b")])
def test_every_option_of_the_loss_changes_it(targets, options, labels):
    columns = {"kind": ["x", "x", "y"], "a": [1.0, 0.0, 0.0], "b": [1.0, 1.0, 0.0]}
    output = torch.tensor([[0.3, -1.0], [2.0, 0.5], [0.0, 0.1]])
    losses = []
    for given in ({}, options):
        task = made(targets(labels=columns), labels=labels, **given)
        task.fit(np.arange(3))
        losses.append(weighted_loss(task, output, [0, 1, 2]))
    assert losses[0] != losses[1]


def test_the_loss_looks_up_the_rows_it_is_given(targets):
    task = made(targets(labels={"kind": ["x", "y", "y", "x"]}))
    output = torch.tensor([[4.0, -4.0], [-4.0, 4.0]])
    task.fit(np.arange(4))
    assert weighted_loss(task, output, [3, 1]) < 0.01
    assert weighted_loss(task, output, [1, 3]) > 7


# ---------------------------------------------------------------- answers


def test_the_prior_answers_with_training_frequencies(targets):
    task = made(targets(labels={"kind": THREE}))
    answer = task.prior(np.array([0, 1, 3, 5]))
    assert answer(4).tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert answer(4).dtype == np.float32


def test_the_prior_of_several_labels_is_each_ones_frequency(targets):
    columns = {"a": [1.0, 0.0, 0.0, 1.0], "b": [1.0, 1.0, 1.0, 0.0]}
    task = made(targets(labels=columns), labels=("a", "b"))
    assert task.prior(np.array([0, 1, 2]))(3).tolist() == pytest.approx([1 / 3, 1.0])


def test_activations_are_probabilities(targets):
    output = torch.randn(5, 2)
    single = made(targets(labels={"kind": ["a", "b"]}))
    several = made(targets(labels={"a": [1.0, 0.0], "b": [0.0, 1.0]}), labels=("a", "b"))
    torch.testing.assert_close(single.activate(output), output.softmax(1))
    torch.testing.assert_close(several.activate(output), output.sigmoid())


def test_metrics_of_records_are_sklearns(targets, records):
    rng = np.random.default_rng(3)
    names = np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]
    task = made(targets(labels={"kind": names.tolist()}))
    scores = rng.dirichlet(np.ones(3), 60).astype(np.float32)
    found = task.metrics(records(task, range(60), lambda row: scores[row]))
    truth, guess = task.strata, scores.argmax(axis=1)
    assert next(iter(found)) == "balanced_accuracy" == task.headline
    expected = {
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(truth, guess),
        "macro_f1": sklearn_metrics.f1_score(truth, guess, average="macro"),
        "accuracy": sklearn_metrics.accuracy_score(truth, guess),
        "auroc": np.mean(
            [sklearn_metrics.roc_auc_score(truth == k, scores[:, k]) for k in range(3)]
        ),
    }
    for name, value in expected.items():
        assert found[name].value().value == pytest.approx(value, abs=1e-12), name


def test_metrics_of_several_labels_are_sklearns(targets, records):
    rng = np.random.default_rng(3)
    columns = {name: rng.integers(0, 2, 50).astype(float).tolist() for name in "abc"}
    task = made(targets(labels=columns), labels=tuple("abc"))
    scores = rng.random((50, 3), dtype=np.float32)
    found = task.metrics(records(task, range(50), lambda row: scores[row]))
    expected = sklearn_metrics.roc_auc_score(task.targets, scores, average="macro")
    assert found["auroc"].value().value == pytest.approx(expected, abs=1e-12)
    assert "accuracy" not in found


def test_eleven_labels_stay_in_order(targets, records):
    rng = np.random.default_rng(1)
    names = tuple(f"l{n}" for n in range(11))
    columns = {name: rng.integers(0, 2, 40).astype(float).tolist() for name in names}
    task = made(targets(labels=columns), labels=names)
    perfect = task.targets.astype(np.float32)
    found = task.metrics(records(task, range(40), lambda row: perfect[row]))
    assert found["auroc"].value().value == 1.0


def test_a_failed_case_counts_as_wrong(targets, records):
    task = made(targets(labels={"kind": ["a", "b", "a", "b"]}))
    sure = np.eye(2, dtype=np.float32)[task.strata]
    answers = {0: sure[0], 1: sure[1], 2: sure[2], 3: None}
    found = task.metrics(records(task, range(4), answers.get))
    assert found["balanced_accuracy"].value().value == pytest.approx(0.75)


def test_badness_is_the_probability_of_wrong_answers(targets, records):
    task = made(targets(labels={"kind": ["a", "b", "a"]}))
    answers = {0: np.array([0.9, 0.1]), 1: np.array([0.8, 0.2]), 2: None}
    table = records(task, [0, 1, 2], answers.get)
    assert task.badness(table).tolist() == pytest.approx([0.1, 0.8, 1.0])


def test_captions_say_answer_and_truth(targets):
    single = made(targets(labels={"kind": ["yes", "no"]}))
    several = made(targets(labels={"a": [1.0, 0.0], "b": [0.0, 1.0]}), labels=("a", "b"))
    assert single.caption(0, np.array([0.7, 0.3])) == "no 70%, is yes"
    assert several.caption(0, np.array([0.9, 0.8])) == "b 80%, is no"


def test_a_side_label_forbids_the_mirror(targets):
    store = targets(labels={"kind": ["a", "b"]})
    assert made(store).profile.label_changing == {}
    assert "flip_lr" in made(store, has_side=True).profile.label_changing


def test_dropout_acts_in_training_only(targets):
    encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(16, 16))
    task = made(targets(labels={"kind": ["a", "b"]}), dropout=0.5)
    network = task.network(encoder)
    images = torch.randn(2, 1, 16, 16)
    network.eval()
    assert torch.equal(network(images), network(images))
    network.head.train()
    assert not torch.equal(network(images), network(images))
