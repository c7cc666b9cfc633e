"""The arm "grpc": takes records over HTTP and hands them to the recorder."""
