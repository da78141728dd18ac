"""Clearing: prices, derivation, weekly closes, disputes."""
