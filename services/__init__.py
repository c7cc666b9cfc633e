"""The services: each is a folder whose path is its import, image and deployment name."""
