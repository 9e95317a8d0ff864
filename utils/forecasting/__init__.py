"""Forecasting with honesty: baselines, walk-forward splits, scores, tests and volatility models."""
