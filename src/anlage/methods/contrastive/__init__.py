"""Contrastive methods: two views of one image attract, views of other images repel."""
