"""Changes of geometry: each gives a matrix, and all matrices become one resampling."""
