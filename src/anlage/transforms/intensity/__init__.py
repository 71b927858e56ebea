"""Changes of values in the unit interval; shape and geometry stay."""
