"""Keeps the local Envoy's configuration in step with the mesh's files."""
