"""The three ways Anlage says no, each with what must hold, what came, and what to do next.

AnlageError (a ValueError)
├── ConfigError   the user asked for something that cannot be: exit code 2
├── DataError     a file or folder is not what it must be: exit code 2
└── ShapeError    two of our own tensors do not fit: a bug, exit code 1
"""

__all__ = ["AnlageError", "ConfigError", "DataError", "ShapeError"]


class AnlageError(ValueError):
    """Base of every error that Anlage raises on purpose."""


class ConfigError(AnlageError):
    """A setting, argument or combination of them cannot be used."""


class DataError(AnlageError):
    """A file, folder, store or run on disk is missing, damaged or does not fit."""


class ShapeError(AnlageError):
    """A tensor has another shape than the code that received it needs."""
