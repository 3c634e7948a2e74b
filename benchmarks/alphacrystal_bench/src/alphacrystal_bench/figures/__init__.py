"""Figures of the benchmark pages."""
