"""The merchant API over real HTTP, on the real database."""
