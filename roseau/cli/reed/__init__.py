"""`roseau reed`: machines that stand by. `command` has the group, `serving` the reed itself."""
