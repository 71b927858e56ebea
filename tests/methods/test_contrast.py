"""The contrastive losses: against lightly, against NumPy, and at their edges."""

import numpy as np
import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor

from anlage.errors import ShapeError
from anlage.methods._contrast import info_nce, nt_xent


def _pairs(batch: int = 6, width: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(batch, width, generator=generator)
    return first, first + 0.5 * torch.randn(batch, width, generator=generator)


def _reference(first: Tensor, second: Tensor, patient: list[int], temperature: float) -> float:
    """Equation 1 of the paper, view by view, without the other images of a patient."""
    rows = np.concatenate([first.numpy(), second.numpy()]).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    owner, count = patient * 2, len(patient)
    losses = []
    for anchor in range(2 * count):
        partner = (anchor + count) % (2 * count)
        near = np.exp(rows[anchor] @ rows[partner] / temperature)
        far = sum(
            np.exp(rows[anchor] @ rows[other] / temperature)
            for other in range(2 * count)
            if owner[other] != owner[anchor]
        )
        losses.append(-np.log(near / (near + far)))
    return float(np.mean(losses))


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent_is_that_of_lightly_where_all_patients_differ(temperature: float) -> None:
    first, second = _pairs()
    expected = NTXentLoss(temperature=temperature, gather_distributed=False)(first, second)
    found = nt_xent(first, second, patient=torch.arange(6), temperature=temperature)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("patient", [[0, 1, 2, 3, 4, 5], [7, 7, 3, 3, 3, 9], [4, 4, 4, 4, 4, 1]])
def test_nt_xent_leaves_out_other_images_of_a_patient(patient: list[int]) -> None:
    first, second = _pairs()
    found = nt_xent(first, second, patient=torch.tensor(patient), temperature=0.3)
    assert float(found) == pytest.approx(_reference(first, second, patient, 0.3), rel=1e-5)


def test_images_of_one_patient_neither_repel_nor_attract() -> None:
    every = torch.eye(6)  # six views at right angles: the gradient says who moves whom
    first, second = every[:3].clone().requires_grad_(), every[3:]
    nt_xent(first, second, patient=torch.tensor([0, 0, 1]), temperature=0.2).backward()
    pull = -first.grad[0]
    assert pull[3] > 0  # the partner attracts
    assert pull[1] == pull[4] == 0  # the patient's other image does nothing
    assert pull[2] < 0  # another patient repels, in either view
    assert pull[5] < 0


def test_a_patient_alone_gives_no_loss_and_no_nan() -> None:
    first, second = _pairs()
    first.requires_grad_()
    loss = nt_xent(first, second, patient=torch.zeros(6, dtype=torch.long), temperature=0.2)
    loss.backward()
    assert float(loss) == 0
    assert float(first.grad.abs().max()) == 0


def test_a_view_is_no_negative_of_itself() -> None:
    first = torch.eye(4)  # each image far from the others, both views the same
    found = nt_xent(first, first, patient=torch.arange(4), temperature=0.5)
    # partner exp(2), six orthogonal negatives exp(0); with itself it would be 2 exp(2) + 6
    assert float(found) == pytest.approx(-np.log(np.exp(2) / (np.exp(2) + 6)), rel=1e-6)


def test_a_tiny_temperature_does_not_overflow() -> None:
    first, second = _pairs(batch=8)
    first.requires_grad_()
    loss = nt_xent(first, second, patient=torch.arange(8), temperature=0.005)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(first.grad).all()
    opposite = nt_xent(torch.eye(4), -torch.eye(4), patient=torch.arange(4), temperature=0.005)
    # The partner is at -1, six negatives at 0: 200 + log(6), in reach of fp32 as a logarithm only
    assert float(opposite) == pytest.approx(200 + np.log(6), rel=1e-5)


def test_length_of_projections_does_not_matter() -> None:
    first, second = _pairs()
    usual = nt_xent(first, second, patient=torch.arange(6), temperature=0.2)
    longer = nt_xent(100 * first, 0.01 * second, patient=torch.arange(6), temperature=0.2)
    torch.testing.assert_close(usual, longer)


def test_autocast_does_not_round_the_contrast() -> None:
    first, second = _pairs(batch=16, width=32)
    usual = nt_xent(first, second, patient=torch.arange(16), temperature=0.05)
    with torch.autocast("cpu", torch.bfloat16):
        inside = nt_xent(first, second, patient=torch.arange(16), temperature=0.05)
    assert float(inside) == float(usual)


@pytest.mark.parametrize(("first", "second"), [((1, 5), (1, 5)), ((4, 5), (3, 5))])
def test_a_short_or_odd_batch_is_named(first: tuple[int, int], second: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=rf"B >= 2 images, got shapes \({first[0]}, 5\) and"):
        nt_xent(
            torch.rand(first), torch.rand(second), patient=torch.arange(first[0]), temperature=0.2
        )


def _rows(count: int = 5) -> tuple[Tensor, Tensor]:
    query, key = _pairs(batch=count, width=7)
    return query, key


def test_info_nce_is_cross_entropy_over_allowed_keys() -> None:
    query, key = _rows()
    is_valid = torch.tensor([True, True, False, True, True])
    excluded = torch.zeros(5, 5, dtype=torch.bool)
    excluded[0, 1] = excluded[3, 4] = excluded[1, 1] = True  # the own key stays all the same
    found = info_nce(query, key, is_valid=is_valid, excluded=excluded, temperature=0.3)
    a = (query / query.norm(dim=1, keepdim=True)).double().numpy()
    b = (key / key.norm(dim=1, keepdim=True)).double().numpy()
    losses = []
    for row in (0, 1, 3, 4):
        columns = [
            column
            for column in (0, 1, 3, 4)  # key 2 has no partner, so it is no negative
            if column == row or not excluded[row, column]
        ]
        values = np.exp([a[row] @ b[column] / 0.3 for column in columns])
        losses.append(-np.log(values[columns.index(row)] / values.sum()))
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_info_nce_without_any_partner_is_zero() -> None:
    query, key = _rows()
    query.requires_grad_()
    loss = info_nce(
        query,
        key,
        is_valid=torch.zeros(5, dtype=torch.bool),
        excluded=torch.zeros(5, 5, dtype=torch.bool),
        temperature=0.2,
    )
    loss.backward()
    assert float(loss) == 0
    assert float(query.grad.abs().max()) == 0
