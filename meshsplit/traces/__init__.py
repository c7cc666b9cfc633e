"""Traces on one machine: a store for spans, and what they say, in the terminal."""
