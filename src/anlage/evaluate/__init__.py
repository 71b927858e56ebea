"""The protocol: label budgets, probes, predictions kept case by case, and what they are worth."""
