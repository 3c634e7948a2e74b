"""The order of the list: its probability model and its benchmarks."""
