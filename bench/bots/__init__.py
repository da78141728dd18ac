"""The echo bots that our turns are held against. None of them touches a database. Each is a process: API_URL PORT TOKEN."""
