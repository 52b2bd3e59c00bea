"""Pure functions: no I/O, no framework, nothing above imported."""
