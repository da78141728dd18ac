"""Tests of `ledger/redeeming`."""
