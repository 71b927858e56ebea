"""`anlage report`: a page from a study folder, and from nothing else."""


def test_a_folder_that_is_no_study_is_refused(refused, tmp_path):
    assert "a study folder holds study.yaml" in refused("report", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_last_line_opens_the_page(anlage, tmp_path):
    (tmp_path / "study.yaml").write_text("budgets: [5-shot]\n")
    ran = anlage("report", tmp_path)
    assert ran.code == 0
    assert ran.last == f"Next: python -m webbrowser {tmp_path / 'report.html'}"
    assert (tmp_path / "report.html").is_file()
