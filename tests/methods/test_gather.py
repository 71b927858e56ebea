"""Two processes equal one: the rows, the losses and the gradients of the global batch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from anlage.methods._contrast import info_nce, nt_xent
from anlage.methods._gather import first_row, gather
from anlage.methods.predictive.vicreg import vicreg_terms

InTwoProcesses = Callable[[Callable[[int], Any]], list[Any]]
PATIENT = torch.tensor([0, 1, 2, 2, 1, 3])  # patients 1 and 2 lie across both processes


def _rows(seed: int) -> Tensor:
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))


def _half(rows: Tensor, rank: int) -> Tensor:
    return rows[3 * rank : 3 * rank + 3]


def test_alone_gathering_changes_nothing() -> None:
    rows = _rows(0)
    assert gather(rows) is rows
    assert first_row(6) == 0


def test_rows_come_in_the_order_of_the_ranks(in_two_processes: InTwoProcesses) -> None:
    rows = _rows(0)
    found = in_two_processes(lambda rank: (gather(_half(rows, rank)), first_row(3)))
    for rank, (every, first) in enumerate(found):
        assert torch.equal(every, rows)
        assert torch.equal(every[first : first + 3], _half(rows, rank))


def test_rows_that_are_no_block_of_memory_are_gathered_too(
    in_two_processes: InTwoProcesses,
) -> None:
    rows = _rows(0).T.contiguous().T
    assert torch.equal(in_two_processes(lambda rank: gather(_half(rows, rank)))[1], rows)


def test_patients_are_gathered_as_whole_numbers(in_two_processes: InTwoProcesses) -> None:
    for every in in_two_processes(lambda rank: gather(_half(PATIENT, rank))):
        assert every.dtype == torch.int64
        assert torch.equal(every, PATIENT)


def _contrast(first: Tensor, second: Tensor, rank: int | None) -> Tensor:
    patient = PATIENT if rank is None else _half(PATIENT, rank)
    return nt_xent(first, second, patient=patient, temperature=0.3)


def _regularised(first: Tensor, second: Tensor, rank: int | None) -> Tensor:
    invariance, variance, covariance = vicreg_terms(first, second)
    return 25 * invariance + 25 * variance + covariance


def _places(first: Tensor, second: Tensor, rank: int | None) -> Tensor:
    is_valid = torch.tensor([True, True, False, True, False, False])  # two here, one there
    excluded = PATIENT[:, None] == PATIENT[None, :]
    if rank is not None:
        is_valid, excluded = _half(is_valid, rank), _half(excluded, rank)
    return info_nce(first, second, is_valid=is_valid, excluded=excluded, temperature=0.3)


@pytest.mark.parametrize("loss", [_contrast, _regularised, _places])
def test_the_mean_over_processes_has_the_gradient_of_one_process(
    loss: Callable[[Tensor, Tensor, int | None], Tensor], in_two_processes: InTwoProcesses
) -> None:
    """One weight matrix stands for the network; DDP averages its gradients over processes."""
    images, other = _rows(0).double(), _rows(1).double()

    def trained(rank: int | None) -> tuple[Tensor, Tensor]:
        weight = torch.eye(5, dtype=torch.float64).mul_(0.3).add_(0.1).requires_grad_()
        pair = [images, other] if rank is None else [_half(images, rank), _half(other, rank)]
        value = loss(pair[0] @ weight, pair[1] @ weight, rank)
        value.backward()
        return value.detach(), weight.grad

    halves = in_two_processes(trained)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.distributed.is_initialized", lambda: False)
        whole = trained(None)
    for index in range(2):
        mean = (halves[0][index] + halves[1][index]) / 2
        torch.testing.assert_close(mean, whole[index], rtol=1e-12, atol=1e-14)
    assert float(whole[1].abs().max()) > 0
