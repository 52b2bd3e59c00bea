"""`python -m roseau` is the `roseau` command."""

from roseau.cli.main import main

main()
