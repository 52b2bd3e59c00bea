"""What comes in: notices of every channel, what they point at, and how it looked."""
