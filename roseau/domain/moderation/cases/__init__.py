"""Cases: what is about the same thing, in one list by the time that is left."""
