"""Metrics of predicted classes, labels and probabilities, on any set of weighted cases."""
