"""Benches: what is computed of what was measured."""
