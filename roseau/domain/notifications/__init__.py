"""Notifications: who hears of what, what they see of it, and how it reaches a locked telephone."""
