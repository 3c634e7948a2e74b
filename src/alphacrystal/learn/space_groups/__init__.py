"""The space-group model: probabilities of the 230 space groups for a composition."""
