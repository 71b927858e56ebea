"""`anlage verify`: one line per damaged shard, and what to do next."""

import os
import shutil


def test_a_whole_store_is_said_to_be_whole(anlage, slices_store):
    ran = anlage("verify", slices_store)
    assert ran.code == 0
    assert "Every image and label map is as it was stored." in ran.out
    assert ran.last.startswith(f"Next: anlage pretrain {slices_store} ")


def test_damage_ends_with_code_1_and_a_way_out(anlage, slices_store, tmp_path):
    store_copy = shutil.copytree(slices_store, tmp_path / "store")
    shard = store_copy / "shards" / "images-0000.bin"
    size = shard.stat().st_size
    os.truncate(shard, size - 1)
    ran = anlage("verify", store_copy)
    assert ran.code == 1
    assert f"images-0000.bin: cut off, {size - 1:,} of {size:,} bytes are there; 1 image lost" in (
        ran.out
    )
    assert ran.last.startswith("Next: copy the store again")
    assert "--overwrite" in ran.last
    assert "Traceback" not in ran.err


def test_a_folder_that_is_no_store_is_refused(refused, tmp_path):
    assert "has no store.json" in refused("verify", tmp_path)
