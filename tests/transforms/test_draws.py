import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from anlage import plugins
from anlage.transforms import draws as draws_file
from anlage.transforms.draws import Draws, philox4x32

# Known answers of the Random123 library, file tests/kat_vectors: counter, key, result.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


def words(text):
    return np.array([[int(word, 16)] for word in text.split()], dtype=np.uint64)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_known_answers_of_random123(counter, key, answer):
    np.testing.assert_array_equal(philox4x32(words(counter), words(key)), words(answer))


def test_philox_scrambles_each_column_on_its_own():
    counter = np.concatenate([words(row[0]) for row in KNOWN], axis=1)
    key = np.concatenate([words(row[1]) for row in KNOWN], axis=1)
    expected = np.concatenate([words(row[2]) for row in KNOWN], axis=1)
    np.testing.assert_array_equal(philox4x32(counter, key), expected)


def test_words_scrambled_by_torch_are_those_scrambled_by_numpy():
    """What runs on a GPU: signed 64-bit products wrap, and the answer must stay the same."""
    random = np.random.default_rng(0).integers(0, 2**32, (6, 500), dtype=np.uint64)
    random[:, 0] = 2**32 - 1
    tensors = [torch.from_numpy(row.view(np.int64)) for row in random]
    by_torch = torch.stack(draws_file._scrambled(tensors[:4], tensors[4:]))
    by_numpy = philox4x32(random[:4], random[4:])
    np.testing.assert_array_equal(by_torch.numpy(), by_numpy.astype(np.int64))


def test_uniform_is_uniform_and_its_numbers_are_independent(draws):
    values = draws(4000).uniform("x", 8).numpy().astype(np.float64)
    assert values.shape == (4000, 8)
    assert stats.kstest(values.ravel(), "uniform").pvalue > 1e-3
    across = np.corrcoef(values.T) - np.eye(8)  # between the numbers of one sample
    assert np.abs(across).max() < 4.5 / np.sqrt(4000)
    along = np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1]  # between neighbouring samples
    assert abs(along) < 4.5 / np.sqrt(4000)


def test_uniform_never_gives_its_ends(draws, monkeypatch):
    """In float32, 1 - 2**-25 is 1: a quarter turn by floor(4 * 1) would be the fifth."""

    def extremes(self, what, count):
        ends = np.array([0, 2**32 - 1], dtype=np.uint64)
        return np.tile(ends, (len(self.sample), count))[:, :count]

    monkeypatch.setattr(draws_file.Draws, "_words", extremes)
    unit = draws(3).uniform("x", 2)
    assert unit.min() > 0
    assert unit.max() < 1
    assert draws(3).uniform("x", 2, 0, 4).max() < 4
    assert draws(3).happens("x", 1.0).all()
    assert not draws(3).happens("x", 0.0).any()


def test_uniform_spans_its_limits(draws):
    values = draws(2000).uniform("x", 1, -3, 5)
    assert -3 <= values.min() < -2.9
    assert 4.9 < values.max() <= 5


def test_happens_as_often_as_asked(draws):
    share = draws(20_000).happens("x", 0.3).double().mean().item()
    assert share == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 20_000))


@pytest.mark.parametrize("kind", ["uniform", "field"])
def test_draws_of_a_sample_do_not_depend_on_its_batch(draws, kind):
    def of(given):
        return given.uniform("x", 7) if kind == "uniform" else given.normal_field("x", (2, 5, 3))

    together = of(draws(samples=[5, 1, 900, 3], epoch=[0, 0, 1, 2]))
    for place, (sample, epoch) in enumerate([(5, 0), (1, 0), (900, 1), (3, 2)]):
        alone = of(draws(samples=[sample], epoch=epoch))
        assert torch.equal(alone[0], together[place])
    chosen = of(draws(samples=[5, 1, 900, 3], epoch=[0, 0, 1, 2]).rows(np.array([2, 0])))
    assert torch.equal(chosen, together[[2, 0]])


def test_a_longer_draw_starts_like_a_shorter_one(draws):
    assert torch.equal(draws().uniform("x", 9)[:, :3], draws().uniform("x", 3))


CHANGES = {
    "seed": {"seed": 8},
    "epoch": {"epoch": 1},
    "view": {"view": 1},
    "scope": {"scope": "other"},
    "sample": {"samples": [4, 5, 6, 7]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_everything_that_names_a_draw_changes_all_its_numbers(draws, change):
    base, other = draws(4), draws(4, **CHANGES[change])
    assert not set(base.uniform("x", 64).flatten().tolist()) & set(
        other.uniform("x", 64).flatten().tolist()
    )
    assert not set(base.normal_field("x", (64,)).flatten().tolist()) & set(
        other.normal_field("x", (64,)).flatten().tolist()
    )


def test_purposes_and_parts_never_share_numbers(draws):
    base = draws(4)
    seen = [
        base.uniform("x", 64),
        base.uniform("y", 64),
        base.within("part").uniform("x", 64),
        base.within("part").within("x").uniform("x", 64),
    ]
    numbers = torch.cat(seen).flatten().tolist()
    assert len(set(numbers)) == len(numbers)


def test_the_purposes_in_use_have_different_numbers():
    """The 32-bit name of a purpose must not collide, nor meet the one of the sample order."""
    scopes = ["/crop", "/mask", *(f"/{name}" for name in plugins.available("transforms"))]
    scopes += [f"/flip_{axis}" for axis in ("lr", "ud", "ap")] + ["region"]
    whats = ["happens", "share", "aspect", "place", "order", "centre", "tie", "turns", "degrees",
             "coefficients", "shift", "factor", "log_power", "sigma", "noise field", "hue",
             "saturation", "grain field", "start"]  # fmt: skip
    names = {f"{scope}/{what}" for scope in scopes for what in whats}
    assert len({zlib.crc32(name.encode()) for name in names} | {0x5F3759DF}) == len(names) + 1


def test_normal_field_is_normal_and_white(draws):
    field = draws(6).normal_field("x", (3, 31, 17)).double()
    assert field.shape == (6, 3, 31, 17)
    assert stats.kstest(field.flatten().numpy(), "norm").pvalue > 1e-3
    neighbours = (field[..., 1:] * field[..., :-1]).mean().abs()
    far = (field[:, 0] * field[:, 1]).mean().abs()
    images = (field[0] * field[1]).mean().abs()
    assert neighbours < 0.05
    assert far < 0.1
    assert images < 0.12


def test_normal_field_is_box_muller_of_the_words(draws):
    """Against the textbook formula, on words that philox4x32 gives."""
    given = draws(samples=[3], epoch=2, seed=9, view=1, scope="s")
    counter = np.zeros((4, 2), dtype=np.uint64)
    counter[0], counter[1], counter[2], counter[3] = 3, [0, 1], 1, zlib.crc32(b"s/x field")
    key = np.array([[9, 9], [2, 2]], dtype=np.uint64)
    unit = (np.floor(philox4x32(counter, key) / 512) + 0.5) / 2**23
    radius, angle = np.sqrt(-2 * np.log(unit[:2])), 2 * np.pi * unit[2:]
    expected = np.concatenate([(radius * np.cos(angle)).ravel(), (radius * np.sin(angle)).ravel()])
    np.testing.assert_allclose(given.normal_field("x", (7,))[0], expected[:7], rtol=1e-4, atol=1e-6)


def test_large_fields_are_drawn_in_parts_that_fit_together(draws, monkeypatch):
    whole = draws(5).normal_field("x", (6, 6))
    monkeypatch.setattr(draws_file, "_CHUNK", {"cpu": 18, "other": 18})
    assert torch.equal(draws(5).normal_field("x", (6, 6)), whole)


def test_a_seed_beyond_32_bits_is_cut_not_refused(draws):
    assert torch.equal(
        draws(2, seed=2**32 + 7).uniform("x"), replace(draws(2), seed=7).uniform("x")
    )


@pytest.mark.parametrize(("low", "high"), [(0, 2), (2, 8), (3, 3)])
def test_whole_numbers_reach_both_ends_evenly(draws, low, high):
    numbers = draws(500).whole("x", 4, low, high)
    assert numbers.shape == (500, 4)
    found, counts = numbers.unique(return_counts=True)
    assert found.tolist() == list(range(low, high + 1))
    assert counts.min() > 0.8 * numbers.numel() / len(found)


def test_a_number_just_below_the_end_does_not_pass_it(draws, monkeypatch):
    monkeypatch.setattr(Draws, "uniform", lambda *_: torch.tensor([[9.0]]))
    assert draws(1).whole("x", 1, 2, 8).tolist() == [[8.0]]
