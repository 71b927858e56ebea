"""The version is one, and a valid one."""

from importlib import metadata

from packaging.version import Version

import anlage
from anlage.version import __version__


def test_package_and_metadata_agree():
    assert anlage.__version__ == __version__ == metadata.version("anlage")


def test_it_is_a_version():
    assert str(Version(__version__)) == __version__
