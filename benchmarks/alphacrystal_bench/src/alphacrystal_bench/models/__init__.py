"""Accuracy of the learned models on validation compounds, compared with baselines and controls."""
