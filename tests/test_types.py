"""What travels without torch: profiles and view specs, fixed once made."""

import dataclasses
import subprocess
import sys

import pytest

from anlage.types import TaskProfile, ViewSpec


@pytest.mark.parametrize("made", [TaskProfile(task="x", signal="dense"), ViewSpec()])
def test_they_cannot_be_changed(made):
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, None)


def test_a_profile_allows_every_view_unless_it_says_otherwise():
    assert TaskProfile(task="x", signal="global").label_changing == {}


def test_importing_them_imports_no_torch():
    code = "import sys, anlage.types; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
