"""The split: what was asked for, what the proxy has, what happened, and whether they agree."""
