"""Processor time and energy evaluations until the known structure is found."""
