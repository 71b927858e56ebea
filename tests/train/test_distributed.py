"""Two processes under torchrun are one run: same weights, same decisions, same end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn

from anlage.errors import ConfigError, DataError
from anlage.train.distributed import GlobalBatchNorm, World, join_world, wrap

_SCRIPT = Path(__file__).parent / "two_processes.py"
_RUNS = ["simclr", "vicreg", "mae", "aligned_mae", "aligned_mae-vit", "simclr-accumulate"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what two_processes.py wrote."""
    out = tmp_path_factory.mktemp("two")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, str(_SCRIPT), str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (out / "said.txt").write_text(done.stdout + done.stderr)
    return out


def _facts(made: Path) -> list[dict[str, Any]]:
    return [json.loads((made / f"facts-{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("name", _RUNS)
def test_two_processes_end_with_the_state_of_one(name: str, made: Path) -> None:
    one, two = (load_file(made / f"{kind}-{name}.safetensors") for kind in ("one", "two"))
    assert one.keys() == two.keys()  # shared batch norm keeps the names of plain batch norm
    worst = {key: float((one[key] - two[key]).abs().max()) for key in one}
    assert max(worst.values()) < 1e-6, max(worst, key=worst.__getitem__)


def test_the_comparison_is_of_trained_networks_with_batch_statistics(made: Path) -> None:
    state = load_file(made / "two-simclr.safetensors")
    means = [value for key, value in state.items() if key.endswith("running_mean")]
    assert means
    assert all(float(value.abs().max()) > 0 for value in means)
    counts = [value for key, value in state.items() if key.endswith("num_batches_tracked")]
    assert {int(value) for value in counts} == {6}  # 2 views x 3 steps


def test_one_of_them_shows_progress_and_none_is_warned_by_torch(made: Path) -> None:
    said = (made / "said.txt").read_text()
    assert said.count("two together 16/16") == 1
    assert "Warning: `broadcast_buffers`" not in said


def test_every_process_knows_its_place(made: Path) -> None:
    assert [facts["world"] for facts in _facts(made)] == [[0, 2], [1, 2]]


def test_numbers_are_reduced_over_all(made: Path) -> None:
    for facts in _facts(made):
        assert facts["largest"] == [1, 0]
        assert facts["mean"] == [0.5, 5]


def test_a_signal_to_one_process_stops_all_at_the_same_step(made: Path) -> None:
    assert [facts["stopped"] for facts in _facts(made)] == [["stopped", 2, 143]] * 2


def test_a_bad_batch_in_one_process_is_skipped_by_all(made: Path) -> None:
    assert [facts["spoilt"] for facts in _facts(made)] == [["finished", 4]] * 2


def test_alone_nothing_is_wrapped_and_nothing_is_joined() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert wrap(module, World()) is module
    assert type(module[1]) is nn.BatchNorm1d
    with join_world("cpu") as world:
        assert (world.rank, world.size, world.is_first) == (0, 1, True)
        assert world.largest(3.0, 4.0) == world.mean(3.0, 4.0) == (3.0, 4.0)
        assert not dist.is_initialized()


@pytest.mark.parametrize("norm", [nn.SyncBatchNorm(2), nn.LazyBatchNorm1d()])
def test_a_batch_norm_that_cannot_be_shared_is_named(norm: nn.Module) -> None:
    with pytest.raises(
        ConfigError, match=f"plain batch norm only, this encoder has {type(norm).__name__}"
    ):
        wrap(nn.Sequential(nn.Sequential(norm)), World(size=2))


def test_in_evaluation_shared_batch_norm_is_batch_norm() -> None:
    plain = nn.BatchNorm2d(3)
    for tensor in (*plain.parameters(), plain.running_mean, plain.running_var):
        nn.init.uniform_(tensor, 0.5, 2.0)
    images = torch.randn(2, 3, 4, 5)
    shared = GlobalBatchNorm(plain).eval()
    torch.testing.assert_close(shared(images), plain.eval()(images))
    assert shared.state_dict().keys() == plain.state_dict().keys()


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of two whose other process is never asked anything."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(dist, "init_process_group", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)


def _lose(error: RuntimeError) -> None:
    with join_world("cpu", timeout_s=7) as world:
        assert (world.rank, world.is_first) == (1, False)
        raise error


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed"),
        dist.DistBackendError("timed out"),
    ],
)
def test_a_process_that_is_lost_is_named_with_what_to_do(error: RuntimeError) -> None:
    with pytest.raises(DataError, match=r"all 2 processes of a run must stay alive.*for 7 s. Read"):
        _lose(error)


@pytest.mark.usefixtures("pretended")
def test_other_faults_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="a fault of ours"):
        _lose(RuntimeError("a fault of ours"))
