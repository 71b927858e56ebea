"""`anlage locate`: from an id back to a file."""

from anlage.data.identity import Identity


def test_an_id_is_found_and_a_strange_one_said_to_be_strange(anlage, slices_files):
    known = Identity().image("images/P00003_00.png")
    ran = anlage("locate", known, "0" * 16, "--source", slices_files)
    assert ran.code == 0
    first, second, last = ran.out.splitlines()
    assert first == f"{known}  images/P00003_00.png"
    assert second.startswith("0000000000000000  not in this source")
    assert "anlage prepare" in last


def test_a_source_that_is_not_there_is_refused(refused, tmp_path):
    refused("locate", "0" * 16, "--source", tmp_path / "nowhere")
