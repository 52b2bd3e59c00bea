"""Decisions: taken, undone, reversed, by one voice or by two."""
