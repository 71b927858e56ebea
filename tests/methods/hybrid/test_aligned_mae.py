"""Aligned MAE: teacher and student, places matched through the geometry, and every option."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from anlage.encoders import build_encoder
from anlage.methods._places import grid_places, source_places
from anlage.methods.hybrid.aligned_mae import AlignedMAE
from anlage.tensors import Features, Views

MakeViews = Callable[..., Views]

_SMALL = {"hidden_width": 16, "projection_width": 8, "decoder_width": 24, "places_per_axis": 3}


def _method(name: str = "resnet10", **options: object) -> AlignedMAE:
    torch.manual_seed(0)
    shape = {"base_width": 8, "norm": "group"} if name == "resnet10" else {"patch": 8}
    encoder = build_encoder(name, dims=2, channels=1, image_size=(32, 48), options=shape)
    torch.manual_seed(1)
    return AlignedMAE(encoder, AlignedMAE.Config.parse({**_SMALL, **options}, where="test"))


def test_the_teacher_starts_as_the_student_and_learns_nothing_by_itself(
    draw_views: MakeViews,
) -> None:
    method = _method()
    assert [len(list(online.parameters())) > 0 for online, _ in method.teachers] == [True, True]
    for online, teacher in method.teachers:
        assert online is not teacher
        for own, copied in zip(online.parameters(), teacher.parameters(), strict=True):
            assert torch.equal(own, copied)
            assert own.data_ptr() != copied.data_ptr()
            assert own.requires_grad
            assert not copied.requires_grad
    method(draw_views()).loss.backward()
    assert all(p.grad is None for _, teacher in method.teachers for p in teacher.parameters())


def test_what_a_teacher_says_of_an_image_depends_on_no_other_image(draw_views: MakeViews) -> None:
    torch.manual_seed(0)
    options = {"base_width": 8, "norm": "batch"}
    encoder = build_encoder("resnet10", dims=2, channels=1, image_size=(32, 48), options=options)
    method = AlignedMAE(encoder, AlignedMAE.Config.parse(_SMALL, where="test")).train()
    keys: list[Tensor] = []
    method.teacher_projectors.image.register_forward_hook(lambda *given: keys.append(given[2]))
    before = {k: v.clone() for k, v in method.teacher_encoder.state_dict().items()}
    views = draw_views()
    method(views)
    changed = tuple(torch.cat((part[:1], 3 * part[1:])) for part in views.images)
    method(replace(views, images=changed))
    assert torch.equal(keys[0][0], keys[2][0])
    assert not torch.equal(keys[0][1], keys[2][1])
    assert all(torch.equal(v, before[k]) for k, v in method.teacher_encoder.state_dict().items())
    assert method.encoder.training  # the student takes its statistics from the batch


def test_every_trained_network_gets_a_gradient(draw_views: MakeViews) -> None:
    method = _method()
    method(draw_views()).loss.backward()
    without = [
        name
        for name, parameter in method.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not without


def test_the_teacher_sees_whole_views_and_the_student_damaged_ones(draw_views: MakeViews) -> None:
    method, views = _method(), draw_views()
    seen: dict[str, list[Tensor]] = {"student": [], "teacher": []}
    method.encoder.register_forward_pre_hook(lambda _, args: seen["student"].append(args[0]))
    method.teacher_encoder.register_forward_pre_hook(
        lambda _, args: seen["teacher"].append(args[0])
    )
    method(views)
    for number in range(2):
        assert torch.equal(seen["teacher"][number], views.images[number])
        hidden = views.masks[number].repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
        assert torch.equal(seen["student"][number], torch.where(hidden, 0.0, views.images[number]))


@pytest.mark.parametrize("part", ["reconstruction", "local", "global_"])
def test_each_weight_scales_its_own_part(part: str, draw_views: MakeViews) -> None:
    method, views = _method().eval(), draw_views()
    usual = method(views)
    weight = 3 * getattr(method.config, part)
    method.config = method.config.model_copy(update={part: weight})
    changed = method(views)
    for name, value in usual.parts.items():
        torch.testing.assert_close(changed.parts[name], (3 if name == part else 1) * value)
    torch.testing.assert_close(changed.loss, usual.loss + 2 * usual.parts[part])


@pytest.mark.parametrize(
    ("name", "option", "value", "parts"),
    [
        ("resnet10", "temperature", 0.4, {"local", "global_"}),
        ("resnet10", "hidden_width", 32, {"local", "global_"}),
        ("resnet10", "projection_width", 16, {"local", "global_"}),
        ("resnet10", "places_per_axis", 4, {"local"}),
        ("resnet10", "near_share", 0.6, {"local"}),
        ("vit_tiny", "variance_floor", 0.5, {"reconstruction"}),
        ("vit_tiny", "decoder_width", 48, {"reconstruction"}),
        ("vit_tiny", "decoder_depth", 1, {"reconstruction"}),
    ],
)
def test_every_option_changes_the_parts_it_is_for(
    name: str, option: str, value: float, parts: set[str], draw_views: MakeViews
) -> None:
    views = draw_views()
    usual, changed = _method(name)(views).parts, _method(name, **{option: value})(views).parts
    assert {part for part in usual if float(usual[part]) != float(changed[part])} >= parts


def test_mask_options_are_passed_on() -> None:
    spec = _method(mask_ratio=0.7, mask_unit=16).spec
    assert (spec.mask_ratio, spec.mask_unit, spec.is_masked) == (0.7, 16, True)
    assert (spec.num_views, spec.min_overlap, spec.intensity) == (2, 0.4, True)
    assert _method().spec.mask_ratio is None


@pytest.mark.parametrize("name", ["resnet10", "vit_tiny"])
@pytest.mark.parametrize("view", [0, 1])
def test_geometry_changes_the_local_part_alone(name: str, view: int, draw_views: MakeViews) -> None:
    method, views = _method(name).eval(), draw_views()
    moved = [part.clone() for part in views.geometry]
    moved[view][:, 0, -1] += 9  # mm
    usual, changed = method(views).parts, method(replace(views, geometry=tuple(moved))).parts
    assert [name for name in usual if float(usual[name]) != float(changed[name])] == ["local"]


@pytest.mark.parametrize("name", ["resnet10", "vit_tiny"])
def test_views_that_share_nothing_agree_on_nothing(name: str, draw_views: MakeViews) -> None:
    method, views = _method(name), draw_views()
    far = views.geometry[1] + torch.tensor([0.0, 0.0, 500.0])
    output = method(replace(views, geometry=(views.geometry[0], far)))
    assert float(output.parts["local"]) == 0
    output.loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


class _SeesThrough(nn.Module):
    """An encoder whose only map is the image itself, and whose embedding is its mean."""

    patch = None

    def forward(self, images: Tensor) -> Features:
        return Features(maps=(images,), embedding=images.flatten(2).mean(dim=2))


class _Direct(nn.Module):
    """Projectors that change nothing."""

    def local(self, found: tuple[Tensor, ...]) -> Tensor:
        return found[0]

    def image(self, embedding: Tensor) -> Tensor:
        return embedding


class _PaintsNothing(nn.Module):
    def forward(
        self, encoder: nn.Module, images: Tensor, _masks: Tensor
    ) -> tuple[Features, Tensor]:
        return encoder(images), torch.tensor(0.0)


def _see_through(method: AlignedMAE) -> AlignedMAE:
    method.encoder = method.teacher_encoder = _SeesThrough()
    method.projectors = method.teacher_projectors = _Direct()
    method.painter = _PaintsNothing()
    return method


def _code(geometry: Tensor) -> Tensor:
    """Images (B, 4, 32, 32) whose value at every pixel says which place in mm it shows."""
    places = grid_places(len(geometry), 32, like=geometry)
    angle = source_places(places, geometry) / 40  # one direction for each place
    code = torch.cat((angle.sin(), angle.cos()), dim=2)
    return code.transpose(1, 2).unflatten(2, (32, 32))


@pytest.fixture
def coded_views() -> Views:
    """Position-coded views: one zoomed and shifted against the other, with its axes swapped."""
    first = torch.tensor([[20.0, 0.0, 0.0], [0.0, 30.0, 0.0]]).repeat(3, 1, 1)
    second = torch.tensor([[0.0, -22.0, 4.0], [25.0, 0.0, -6.0]]).repeat(3, 1, 1)
    return Views(
        images=(_code(first), _code(second)),
        geometry=(first, second),
        masks=(torch.zeros(3, 4, 4, dtype=torch.bool),) * 2,
        sample=torch.arange(3),
        patient=torch.zeros(3, dtype=torch.long),  # other images would show the same code
    )


def test_matching_places_are_told_apart_when_the_geometry_is_right(coded_views: Views) -> None:
    method = _see_through(_method(temperature=0.005, near_share=0.3))
    right = method(coded_views).parts["local"]
    assert float(right) < 0.01
    for wrong in (
        coded_views.geometry[1] * torch.tensor([1.0, -1.0, 1.0]),  # a flip that is not tracked
        coded_views.geometry[1].flip(1),  # axes in another order
        coded_views.geometry[1] + torch.tensor([0.0, 0.0, 12.0]),  # a shift in mm
    ):
        changed = replace(coded_views, geometry=(coded_views.geometry[0], wrong))
        assert float(method(changed).parts["local"]) > 0.5


def test_constant_embeddings_cost_a_blind_guess_among_the_keys(draw_views: MakeViews) -> None:
    views = draw_views()
    flat = replace(views, images=(torch.ones(4, 2, 32, 48),) * 2)
    same = (views.geometry[0],) * 2  # every place has its partner
    method = _see_through(_method(near_share=0.0, local=1.0, global_=1.0))
    parts = method(replace(flat, geometry=same)).parts
    assert float(parts["local"]) == pytest.approx(math.log(4 * 9), rel=1e-5)
    assert float(parts["global_"]) == pytest.approx(math.log(2 * 4 - 1), rel=1e-5)
    near = _see_through(_method(near_share=1.0, local=1.0))
    # 20 mm of 60 mm apart at most, so all places of the same image are near: 27 others and itself
    close = torch.tensor([[20.0, 0.0, 0.0], [0.0, 30.0, 0.0]]).repeat(4, 1, 1)
    parts = near(replace(flat, geometry=(close, close))).parts
    assert float(parts["local"]) == pytest.approx(math.log(3 * 9 + 1), rel=1e-5)


def test_places_of_the_same_patient_are_no_negatives(draw_views: MakeViews) -> None:
    views = draw_views(patient=[5, 5, 5, 5])
    method = _see_through(_method(near_share=1.0, local=1.0, global_=1.0))
    two = replace(views, images=tuple(image.repeat(1, 2, 1, 1) for image in views.images))
    parts = method(two).parts
    assert float(parts["local"]) == 0
    assert float(parts["global_"]) == 0


def test_a_transformer_asks_from_its_visible_tokens_only(draw_views: MakeViews) -> None:
    method, views = _method("vit_tiny").eval(), draw_views(ratio=0.75)
    asked: list[Tensor] = []
    method.projectors.maps[-1].register_forward_pre_hook(lambda _, args: asked.append(args[0]))
    method(views)
    visible = [int((~mask).sum()) // 4 for mask in views.masks]
    assert [tokens.shape[1] for tokens in asked] == visible
    assert len(method.projectors.maps) == 1


def test_a_transformers_token_meets_the_teachers_map_at_its_own_place(
    draw_views: MakeViews,
) -> None:
    """With one view shown twice, the key of a visible token is the teacher's very token."""
    method, views = _method("vit_tiny").eval(), draw_views()
    same = replace(views, geometry=(views.geometry[0],) * 2, images=(views.images[0],) * 2)
    keys: list[Tensor] = []
    method.teacher_projectors.maps[-1].register_forward_pre_hook(
        lambda _, args: keys.append(args[0])
    )
    method(same)
    whole = method.teacher_encoder(views.images[0]).tokens
    for found, mask in zip(keys, same.masks, strict=True):
        visible = torch.stack(
            [tokens[~m] for tokens, m in zip(whole, mask.flatten(1), strict=True)]
        )
        torch.testing.assert_close(found, visible, atol=1e-5, rtol=1e-4)


def test_a_cnn_is_asked_at_every_level_of_its_pyramid(draw_views: MakeViews) -> None:
    method = _method()
    asked: list[Tensor] = []
    for level in method.projectors.maps:
        level.register_forward_pre_hook(lambda _, args: asked.append(args[0]))
    views = draw_views()
    method(views)
    assert [part.shape[-1] for part in asked] == [*method.encoder.widths] * 2
