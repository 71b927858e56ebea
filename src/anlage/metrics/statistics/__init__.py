"""What is done with metrics: intervals, paired tests, ranks, and the tables beside them."""
