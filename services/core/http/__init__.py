"""HTTP as every service speaks it: records in, problems out, health on the side."""
