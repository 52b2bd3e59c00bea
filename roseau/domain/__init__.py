"""What Roseau is: rules as plain functions, grouped by noun. `docs/tour.md` leads through it."""
