"""Accounts: signing up, signing in, profiles, sessions, OAuth."""
