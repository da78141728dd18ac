"""Tests of `deploy/`: linters of each format, and the settings named there."""
