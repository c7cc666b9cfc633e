"""What every test may ask for."""

pytest_plugins = ["tests.stack", "tests.stores", "tests.arms"]
