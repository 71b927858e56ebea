"""Metrics of predicted numbers, on any set of weighted cases."""
