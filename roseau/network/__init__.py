"""How bytes leave this server: guarded HTTP requests, mail, web push. There is no other way out."""
