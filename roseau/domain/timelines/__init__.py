"""Timelines: how statuses reach home timelines, and how every timeline is read."""
