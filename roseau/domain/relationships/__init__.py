"""What is between two accounts: follows and requests, blocks, mutes, notes, and who might like whom."""
