"""Appeals: filed by author or notifier, answered by somebody else."""
