"""The names of a site: the signed manifest, aliases, pointing names by DNS."""
