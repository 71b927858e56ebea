"""_walk: every file once, and an end, whatever the tree is like."""

from __future__ import annotations

import os

from anlage.data.importers._walk import Walk, relative


def keys(walk: Walk) -> list[str]:
    return [relative(path, walk.root) for path in walk.sorted_files()]


def test_the_same_files_as_os_walk(source, touch):
    names = ["b/c/d.png", "a.png", "b/a.png", "-rf.png", "b/'\"\n.png", "z" * 255, "ü/ß"]
    touch(*names)
    expected = sorted(
        os.path.relpath(f"{folder}/{name}", source)
        for folder, _, files in os.walk(source)
        for name in files
    )
    walk = Walk(root=source)
    assert keys(walk) == expected == sorted(names)
    assert walk.problems == []
    assert walk.notes() == ()


def test_names_that_are_no_text_get_through(source):
    (source / os.fsdecode(b"\xff.png")).write_bytes(b"")
    assert keys(Walk(root=source)) == ["\udcff.png"]


def test_hidden_files_are_counted(source, touch):
    touch("a.png", ".b.png", "._a.png", ".git/x.png", "__MACOSX/y.png")
    walk = Walk(root=source)
    assert keys(walk) == ["a.png"]
    assert walk.notes() == ("4 hidden files or folders left out.",)


def test_loops_of_links_end_and_are_reported(source, touch):
    touch("a/b.png")
    (source / "a" / "up").symlink_to(source)
    (source / "a" / "self").symlink_to("self")
    (source / "above").symlink_to(source.parent)
    (source / "again").symlink_to(source / "a")
    (source / "gone.png").symlink_to("nothing")
    walk = Walk(root=source)
    assert keys(walk) == ["a/b.png"]
    reasons = {problem.key: problem.reason for problem in walk.problems}
    assert reasons.keys() == {"a/up", "a/self", "above", "again", "gone.png"}
    for key in ("a/up", "above", "again"):
        assert "read already or contains it" in reasons[key]
    for key in ("a/self", "gone.png"):
        assert "a link to nothing" in reasons[key]


def test_a_link_to_another_folder_is_followed_once_after_the_real_ones(source, touch, tmp_path):
    touch("b.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.png").write_bytes(b"")
    (elsewhere / "back").symlink_to(source)
    (source / "a").symlink_to(elsewhere)
    (source / "c").symlink_to(elsewhere)
    walk = Walk(root=source)
    assert keys(walk) == ["a/c.png", "b.png"]
    assert sorted(problem.key for problem in walk.problems) == ["a/back", "c"]


def test_a_locked_folder_is_reported_and_the_walk_goes_on(source, touch, monkeypatch):
    touch("a/b.png", "locked/c.png", "z.png")
    real = os.scandir

    def scandir(folder):
        if os.fspath(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    walk = Walk(root=source)
    assert keys(walk) == ["a/b.png", "z.png"]
    assert [(problem.key, problem.reason) for problem in walk.problems] == [
        ("locked", "this folder cannot be read: Permission denied.")
    ]


def test_a_pipe_is_no_file(source):
    os.mkfifo(source / "pipe.png")
    walk = Walk(root=source)
    assert keys(walk) == []
    assert "neither a file nor a folder" in walk.problems[0].reason
