"""What every door shares: the server they stand in, who is calling, how bodies are read."""
