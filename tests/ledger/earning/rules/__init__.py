"""Rules: their tables, and an evaluation written a second time to be compared with."""
