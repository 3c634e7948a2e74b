"""What all benchmarks share: facts of a run, resumable rows, progress, Markdown."""
