"""What a service says about itself: logs and metrics."""
