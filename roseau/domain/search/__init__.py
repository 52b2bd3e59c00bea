"""Search: of people, hashtags and words in posts, and never through anything but visibility."""
