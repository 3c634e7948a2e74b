"""CHGNet, written for fast inference on symmetry-distinct atoms, bonds and angles."""
