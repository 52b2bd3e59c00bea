"""What outsiders can check: the chain, its daily roots, public decisions, the report."""
