"""Where bytes live: the database behind `read()` and `write()`, its schema, events, jobs and blobs."""
