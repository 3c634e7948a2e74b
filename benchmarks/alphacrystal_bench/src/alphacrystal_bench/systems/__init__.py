"""Exploration of chemical systems against their experimental phases."""
