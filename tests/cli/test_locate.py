"""`anlage locate`: from an id back to a file."""

from anlage.data.identity import Identity


def test_an_id_is_found_and_a_strange_one_said_to_be_strange(anlage, slices_files):
    known = Identity().image("images/P00003_00.png")
    ran = anlage("locate", known, "0" * 16, "--source", slices_files)
    assert ran.code == 0
    first, second, hint, last = ran.out.splitlines()
    assert first == f"{known}  images/P00003_00.png"
    assert second == "0000000000000000  no file of this source has this id"
    assert "--labels" in hint
    assert "identity key" in hint
    assert "anlage prepare" in last


def test_what_is_no_id_is_said_to_be_none_and_nothing_is_to_be_mended(anlage, slices_files):
    first, hint = anlage("locate", "P00003_00", "--source", slices_files).out.splitlines()
    assert first.startswith("P00003_00  is no id: ids have 16 digits")
    assert "as anlage prepare got them" in hint


def test_where_all_is_found_there_is_no_hint(anlage, slices_files):
    known = Identity().image("images/P00003_00.png")
    assert len(anlage("locate", known, "--source", slices_files).out.splitlines()) == 2


def test_a_source_that_is_not_there_is_refused(refused, tmp_path):
    refused("locate", "0" * 16, "--source", tmp_path / "nowhere")
