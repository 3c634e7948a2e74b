"""The probability that a compound exists at a composition: inputs, network, training."""
