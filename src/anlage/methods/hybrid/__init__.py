"""Hybrid methods: reconstruction for local anatomy, agreement of views for what is stable."""
