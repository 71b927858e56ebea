"""Predictive methods: one view's representation predicts another's, without negatives."""
