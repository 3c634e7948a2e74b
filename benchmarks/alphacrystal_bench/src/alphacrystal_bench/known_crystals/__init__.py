"""Whole predictions of known crystals of all sizes: match rates, structure types, stages of misses, cost."""
