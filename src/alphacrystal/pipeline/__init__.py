"""The pipeline: formula, candidates, relaxation, ranking, run folder; each step goes on where it stopped."""
