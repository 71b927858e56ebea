"""Diagnostics of embeddings: has the encoder collapsed, and what does it spread out?"""
