"""The pipeline: formula, candidates, relaxation, ranking, run folder; each step resumes where it stopped."""
