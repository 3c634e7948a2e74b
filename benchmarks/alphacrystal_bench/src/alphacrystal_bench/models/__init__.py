"""Accuracy of the learned models on validation compounds, beside baselines and controls."""
