"""Generative methods: what was hidden or damaged is put back."""
