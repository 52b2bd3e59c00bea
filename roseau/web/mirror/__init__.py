"""The pages of the mirror: the site's look without anything to press, with links that hold anywhere."""
