"""Domain values as Mastodon's entities, in JSON."""
