"""The distance model: probabilities of the interatomic distances in a cell."""
