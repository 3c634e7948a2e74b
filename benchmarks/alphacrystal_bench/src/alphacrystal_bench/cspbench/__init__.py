"""CSPBench: whole predictions of known compounds, with controls and causes of failure."""
