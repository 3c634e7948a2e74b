"""Benchmarks of the comparison of crystals with powder patterns."""
