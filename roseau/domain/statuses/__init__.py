"""Statuses: posting, editing, removing, what people do with them, and who may see them."""
