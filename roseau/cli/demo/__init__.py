"""The demo: a lively community made up from a seed, its people, words, pictures and habits."""
