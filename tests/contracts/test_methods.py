"""What every method must keep: in 2D and 3D, over a CNN and a vision transformer."""

import ast
import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import anlage
from anlage import plugins
from anlage.encoders import UNetDecoder, build_encoder
from anlage.errors import ConfigError
from anlage.methods import Method
from anlage.tensors import MethodOutput, Views

NAMES = plugins.available("methods")
_SIZES = {2: (32, 48), 3: (32, 16, 16)}
_CHANNELS = {2: 3, 3: 1}
_ENCODERS = {"resnet10": {"base_width": 8}, "vit_tiny": {"patch": 16}}
_NOT_TRAINED: dict[str, set[str]] = {}  # encoder parameters that a method leaves alone, by method

each_case = pytest.mark.parametrize(
    ("name", "dims", "encoder"),
    [(name, dims, encoder) for name in NAMES for dims in (2, 3) for encoder in _ENCODERS],
)


def _method(name: str, dims: int, encoder: str, *, seed: int = 0) -> Method:
    torch.manual_seed(seed)
    built = build_encoder(
        encoder,
        dims=dims,
        channels=_CHANNELS[dims],
        image_size=_SIZES[dims],
        options=_ENCODERS[encoder],
    )
    plugin = plugins.load("methods", name)
    method = plugin(built, plugin.Config())
    with torch.no_grad():
        for parameter in method.parameters():  # some norms start at zero and block the way
            if parameter.requires_grad:
                parameter.add_(0.02 * torch.randn_like(parameter))
        for online, teacher in method.teachers:
            teacher.load_state_dict(online.state_dict())
    return method.train()


def _views(method: Method, dims: int) -> Views:
    """What the method's spec asks for: views that overlap, and masks of 16-pixel units."""
    generator = torch.Generator().manual_seed(1)
    size, batch = _SIZES[dims], 4
    grid = tuple(edge // 16 for edge in size)
    shared = torch.randn(batch, _CHANNELS[dims], *size, generator=generator)
    images, geometry, masks = [], [], []
    for number in range(method.spec.num_views):
        images.append(shared + 0.3 * torch.randn(shared.shape, generator=generator))
        half = torch.diag(torch.tensor([16.0, 24.0, 20.0][:dims]))
        centre = torch.full((dims, 1), 3.0 * number)
        geometry.append(torch.cat((half, centre), dim=1).repeat(batch, 1, 1))
        order = torch.rand(batch, math.prod(grid), generator=generator).argsort(dim=1)
        masks.append((order < math.prod(grid) // 2).reshape(batch, *grid))
    return Views(
        images=tuple(images),
        geometry=tuple(geometry),
        masks=tuple(masks) if method.spec.is_masked else (),
        sample=torch.arange(batch),
        patient=torch.arange(batch),
    )


def _train(method: Method, views: Views, optimiser: torch.optim.Optimizer, steps: int) -> Tensor:
    for _ in range(steps):
        optimiser.zero_grad()
        method(views).loss.backward()
        optimiser.step()
    return method(views).loss.detach()


def _optimiser(method: Method) -> torch.optim.Optimizer:
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=1e-3)


@each_case
def test_a_finite_scalar_loss_reaches_every_parameter_of_the_encoder(
    name: str, dims: int, encoder: str
) -> None:
    method = _method(name, dims, encoder)
    views = _views(method, dims)
    output = method(views)
    assert isinstance(output, MethodOutput)
    assert output.loss.shape == ()
    assert output.loss.dtype == torch.float32
    assert output.loss.isfinite()
    torch.testing.assert_close(output.loss, torch.stack(list(output.parts.values())).sum())
    assert output.embedding.shape == (4, method.encoder.width)
    assert not output.embedding.requires_grad
    output.loss.backward()
    without = {
        key
        for key, parameter in method.encoder.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    }
    assert without == _NOT_TRAINED.get(name, set())
    assert all(
        parameter.grad is None or parameter.grad.isfinite().all()
        for parameter in method.parameters()
    )


@each_case
def test_every_view_and_every_mask_matters(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    views = _views(method, dims)
    usual = method(views).loss
    assert torch.equal(method(views).loss, usual)  # nothing is drawn inside a method
    for number in range(len(views.images)):
        changed = list(views.images)
        changed[number] = changed[number].flip(0)
        assert not torch.equal(method(replace(views, images=tuple(changed))).loss, usual)
    for number in range(len(views.masks)):
        masks = list(views.masks)
        masks[number] = ~masks[number]
        assert not torch.equal(method(replace(views, masks=tuple(masks))).loss, usual)


@each_case
def test_views_are_left_as_they_were(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    views = _views(method, dims)
    before = copy.deepcopy(views)
    method(views).loss.backward()
    for kind in ("images", "geometry", "masks"):
        for was, now in zip(getattr(before, kind), getattr(views, kind), strict=True):
            assert torch.equal(was, now)


@each_case
def test_ten_steps_on_one_batch_lower_the_loss(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    views = _views(method, dims)
    before = method(views).loss.detach()
    after = _train(method, views, _optimiser(method), 10)
    assert after < before


@each_case
def test_a_saved_method_goes_on_alike_in_a_fresh_one(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    views = _views(method, dims)
    optimiser = _optimiser(method)
    _train(method, views, optimiser, 2)
    kept = copy.deepcopy((method.state_dict(), optimiser.state_dict()))
    expected = _train(method, views, optimiser, 1)
    fresh = _method(name, dims, encoder, seed=9)
    other = _optimiser(fresh)
    fresh.load_state_dict(kept[0])
    other.load_state_dict(kept[1])
    assert torch.equal(_train(fresh, views, other, 1), expected)
    for key, value in method.state_dict().items():
        assert torch.equal(fresh.state_dict()[key], value), key


@each_case
def test_what_it_says_of_itself_is_true(name: str, dims: int, encoder: str) -> None:
    method = _method(name, dims, encoder)
    assert method.spec.num_views >= 1
    assert any(module is method.encoder for module in method.children())
    if method.decoder is not None:
        assert isinstance(method.decoder, UNetDecoder)
        assert any(module is method.decoder for module in method.modules())
    own = {id(parameter) for parameter in method.parameters()}
    for online, teacher in method.teachers:
        assert {id(p) for p in online.parameters()} <= own
        assert not any(parameter.requires_grad for parameter in teacher.parameters())
        assert all(
            torch.equal(a, b)
            for a, b in zip(online.parameters(), teacher.parameters(), strict=True)
        )


@pytest.mark.parametrize("name", NAMES)
def test_in_half_precision_the_loss_is_full(name: str) -> None:
    method = _method(name, 2, "resnet10")
    views = _views(method, 2)
    with torch.autocast("cpu", torch.bfloat16):
        output = method(views)
    assert output.loss.dtype == torch.float32
    torch.testing.assert_close(output.loss, method(views).loss, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_option_is_refused_with_the_nearest(name: str) -> None:
    config = plugins.load("methods", name).Config
    for option in config.model_fields:
        misspelt = f"{option[:-1]}x" if option[-1] != "x" else f"{option}y"
        with pytest.raises(ConfigError, match=f"there is no setting '{misspelt}'.*Did you mean"):
            config.parse({misspelt: 1}, where=f"method {name}")


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_frozen_and_survive_json(name: str) -> None:
    config = plugins.load("methods", name).Config
    settings = config()
    assert config.model_validate(settings.model_dump(mode="json")) == settings
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, next(iter(config.model_fields)), 1)


def test_the_methods_of_all_four_paradigms_are_found() -> None:
    assert {"simclr", "vicreg", "mae", "aligned_mae"} <= set(NAMES)
    families = {plugins.family("methods", name) for name in NAMES}
    assert families == {"contrastive", "predictive", "generative", "hybrid"}


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=f"there is no method 'simclear'.*{', '.join(NAMES)}"):
        plugins.load("methods", "simclear")
    with pytest.raises(ConfigError, match="Did you mean 'vicreg'"):
        plugins.load("methods", "vicregg")


def _files() -> Iterator[Path]:
    root = Path(anlage.__file__).parent / "methods"
    yield from (next(root.glob(f"*/{name}.py")) for name in NAMES)


@pytest.mark.parametrize("path", [*_files()], ids=lambda path: path.stem)
def test_its_file_names_its_source_and_its_departures(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "Source: " in text
    assert "arXiv:" in text
    assert "Departure" in text
