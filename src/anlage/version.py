"""The version of this package, for cards of stores, runs and encoders."""

__all__ = ["__version__"]

__version__ = "0.1.0"
