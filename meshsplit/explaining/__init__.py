"""One request's story, told from the access log, the services' logs and the spans."""
