"""The text of a post: what is in it, how long it is, how it becomes HTML and how it is searched."""
