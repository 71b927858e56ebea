"""Metrics of one structure in one case: overlap, surface distance, volume, lesions."""
