"""Statements of reasons, and every letter that moderation owes somebody."""
