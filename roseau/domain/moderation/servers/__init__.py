"""Measures about other servers, and the lists of blocks that others keep."""
