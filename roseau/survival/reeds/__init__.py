"""Reeds: the log of a site on other machines, and how one of them becomes the primary."""
