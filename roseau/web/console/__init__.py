"""The console: the pages of those who moderate. Every route of it is made by `guard.console_routes`."""
