"""From the mesh's Istio files to the configuration of one local Envoy.

The same files are applied to a cluster, where Istio reads them. What Istio makes of a field
is made of it here; a field that can't be honoured here is refused, never ignored.
"""
