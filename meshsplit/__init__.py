"""The meshsplit command: the local runner, the translator, the split and its statistics."""
