"""The contract between bridge and recorder, in the domain's words."""
