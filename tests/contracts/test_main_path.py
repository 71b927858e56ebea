"""From files to answer by the command alone, in 2D and in 3D; no name of a patient gets out."""

import json
import re

import pytest

from anlage.cli import main

EDGE = {2: "32", 3: "24"}


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code or 0


@pytest.mark.parametrize(("dims", "method"), [(2, "simclr"), (3, "mae")])
def test_files_become_an_answer(dims, method, request, tmp_path, capfd):
    files = request.getfixturevalue("slices_files" if dims == 2 else "volumes_files")
    store, first, tuned, proof = (tmp_path / name for name in ("store", "first", "tuned", "proof"))
    encoder = ("--encoder", "resnet10", "--image-size", EDGE[dims], "--device", "cpu")
    label = ("--task", "classification", "--label", "lesion")
    quick = [f"adapt.{name}=2" for name in ("min_steps", "max_steps")] + ["adapt.batch_size=4"]
    short = [part for setting in quick for part in ("--set", setting)]

    assert not run(
        "prepare", files, "--out", store, "--modality", "mri", "--label", "lesion",
        "--patient", "patient", "--site", "site", "--workers", "0",
    )  # fmt: skip
    assert not run(
        "pretrain", store, "--out", first, "--method", method, *encoder,
        "--steps", "2", "--batch-size", "4",
    )  # fmt: skip
    assert not run(
        "finetune", store, "--out", tuned, "--start", first, *label, *short, "--device", "cpu"
    )
    assert not run("evaluate", tuned, "--store", store, "--device", "cpu")
    assert not run(
        "study", store, "--out", proof, *label, "--method", method, "--encoder", "resnet10",
        "--budgets", "2-shot", "--pretrain-seeds", "1", "--draws", "1", "--device", "cpu", *short,
        "--set", f"pretrain.image_size=[{EDGE[dims]}]", "--set", "pretrain.steps=2",
        "--set", "pretrain.batch_size=4", "--set", "rungs=[finetune]",
        "--set", "controls=[scratch, prior]", "--set", "learning_rates=[0.001]",
        "--set", "replicates=100",
    )  # fmt: skip
    page = (proof / "report.html").read_bytes()
    assert not run("report", proof)
    assert (proof / "report.html").read_bytes() == page

    found = json.loads((proof / "results.json").read_text())
    assert found["failures"] == []
    assert {cell["arm"] for cell in found["cells"]} == {"prior", "scratch", method}
    metrics = json.loads((tuned / "evaluation-test" / "metrics.json").read_text())["metrics"]
    assert metrics["balanced_accuracy"]["value"] is not None

    text = page.decode()
    for cell in found["cells"]:
        assert f"{cell['metrics']['balanced_accuracy']['value']:.3f}" in text
    said = "".join(capfd.readouterr())
    name = re.compile(r"P\d{5}")
    assert not name.search(said)
    for path in (*tmp_path.rglob("*.json"), *tmp_path.rglob("*.html"), *tmp_path.rglob("*.csv"),
                 *tmp_path.rglob("*.yaml"), *tmp_path.rglob("*.jsonl")):  # fmt: skip
        assert not name.search(re.sub(r"data:image/[^\"' >]+", "", path.read_text())), path.name
