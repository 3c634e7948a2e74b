"""Match rates of generated structures without relaxation, order of the list, and noise of metrics."""
