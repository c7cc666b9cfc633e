"""Stores the records that other services hand it over gRPC."""
