"""The symmetry prior: which structure types a composition takes, and how probable each is."""
