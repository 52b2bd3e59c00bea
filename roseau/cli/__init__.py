"""The `roseau` command: one file per command, read when it is called."""
