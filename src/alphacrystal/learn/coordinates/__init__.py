"""Prototype coordinates: mean free coordinates of the known structure types."""
