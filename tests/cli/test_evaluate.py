"""`anlage evaluate`: refusals; numbers are tested in the room."""


def test_a_folder_without_a_model_is_refused(refused, slices_store, tmp_path):
    said = refused("evaluate", tmp_path, "--store", slices_store, "--out", tmp_path / "x")
    assert "Give the run folder of a finished fine-tuning" in said
    assert not (tmp_path / "x").exists()


def test_a_folder_that_is_no_store_is_refused(refused, tmp_path):
    said = refused("evaluate", tmp_path, "--store", tmp_path, "--out", tmp_path / "x")
    assert "no store.json" in said
    assert not (tmp_path / "x").exists()


def test_a_part_that_is_none_is_refused(anlage, slices_store, tmp_path):
    ran = anlage("evaluate", tmp_path, "--store", slices_store, "--part", "tset")
    assert ran.code == 2
    assert "'train', 'val', 'test'" in ran.err


def test_an_unfinished_fine_tuning_is_named_with_its_step(refused, slices_store, tmp_path):
    (tmp_path / "run.json").write_text('{"status": "running", "stated": {}}')
    (tmp_path / "log.jsonl").write_text('{"step": 10}\n{"step": 20}\n')
    said = refused("evaluate", tmp_path, "--store", slices_store)
    assert f"{tmp_path} is at step 20. Give its command again" in said
