"""The search space and the optimisers of GNOA."""
