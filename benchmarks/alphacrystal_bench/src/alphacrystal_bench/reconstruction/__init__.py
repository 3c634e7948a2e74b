"""Crystals rebuilt from their distance matrices, beside other methods."""
