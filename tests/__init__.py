"""Tests; the folders mirror the source, `conftest.py` holds the database and what else they share."""
