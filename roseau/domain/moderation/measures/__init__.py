"""What a decision does, and how it is put back."""
