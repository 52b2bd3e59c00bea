"""Roseau: a social network that a community runs on its own machine."""

__version__ = "0.1.0"
