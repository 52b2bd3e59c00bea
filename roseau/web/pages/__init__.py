"""The pages: one module per subject, each with its `routes`."""
