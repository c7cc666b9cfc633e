"""Benchmarks: what a record costs, how many there can be a second, and how long one takes."""
