"""Reconstruction of crystals from distance matrices, compared with baselines."""
