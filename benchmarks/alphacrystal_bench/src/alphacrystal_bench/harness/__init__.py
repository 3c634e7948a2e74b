"""Registry, command line, resumable rows, run facts and pages that all benchmarks share."""
