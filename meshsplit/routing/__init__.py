"""Which rule of a mesh's files wins a request, found as Envoy finds it."""
