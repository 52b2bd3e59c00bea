"""Who may do what, who is on duty, and who rests."""
