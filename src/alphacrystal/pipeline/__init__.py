"""The pipeline: formula, candidates, relaxation, ranking, run folder; each step is resumable."""
