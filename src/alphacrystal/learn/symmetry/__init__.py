"""The symmetry model: probabilities of structure types for a composition."""
