"""Tests of the folder of the same name; `tests/conftest.py` holds what they share."""
