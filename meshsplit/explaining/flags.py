"""Envoy's response flags in words: what its access log says of an answer that didn't just pass."""

FLAGS = {
    "DC": ("DownstreamConnectionTermination", "the client closed its connection"),
    "DF": ("DnsResolutionFailed", "the destination's name could not be resolved"),
    "DI": ("DelayInjected", "a fault of the mesh's files delayed it"),
    "DO": ("DropOverload", "dropped: the cluster's drop policy took its share"),
    "DPE": ("DownstreamProtocolError", "the client broke the protocol"),
    "DR": ("DownstreamRemoteReset", "the client reset its request"),
    "DT": ("DurationTimeout", "the longest duration of a request was over"),
    "FI": ("FaultInjected", "a fault of the mesh's files answered it"),
    "IH": ("InvalidEnvoyRequestHeaders", "an x-envoy- header of the request makes no sense"),
    "LH": ("FailedLocalHealthCheck", "the gateway's own health check fails"),
    "LR": ("LocalReset", "the gateway reset the connection to the destination"),
    "NC": ("NoClusterFound", "the rule's destination is unknown to the gateway"),
    "NFCF": ("NoFilterConfigFound", "the configuration of a filter has not arrived yet"),
    "NR": ("NoRouteFound", "no rule of the mesh's files takes such a request"),
    "OM": ("OverloadManagerTerminated", "the gateway is overloaded: its memory is nearly full"),
    "RFCF": ("ResponseFromCacheFilter", "answered from a cache"),
    "RL": ("RateLimited", "over the rate limit"),
    "RLSE": ("RateLimitServiceError", "the rate limit's service failed"),
    "SI": ("StreamIdleTimeout", "nothing came or went for too long"),
    "UAEX": ("UnauthorizedExternalService", "the authorization service said no"),
    "UC": ("UpstreamConnectionTermination", "the destination closed its connection first"),
    "UDO": ("UnconditionalDropOverload", "dropped: the cluster's drop policy takes all"),
    "UF": ("UpstreamConnectionFailure", "no connection to the destination"),
    "UH": ("NoHealthyUpstream", "no instance of the destination is there, or all are ejected"),
    "UMSDR": ("UpstreamMaxStreamDurationReached", "the destination's longest duration was over"),
    "UO": ("UpstreamOverflow", "the connection pool is full (circuit breaker)"),
    "UPE": ("UpstreamProtocolError", "the destination broke the protocol"),
    "UR": ("UpstreamRemoteReset", "the destination reset the request"),
    "URX": ("UpstreamRetryLimitExceeded", "no more attempts were allowed"),
    "UT": ("UpstreamRequestTimeout", "the rule's timeout was over before an answer"),
}
"""By its letters in the log: Envoy's own long name, and what it means here."""

_NONE = ("", "-")


def flags_in_words(flags: str) -> list[str]:
    """Return a line for each of some flags, such as ``UF,URX``; none for ``-``."""
    if flags in _NONE:
        return []
    found = []
    for flag in flags.split(","):
        name, meaning = FLAGS.get(flag, ("", "a flag that this version doesn't know"))
        found.append(f"{flag}: {meaning}{f' ({name})' if name else ''}")
    return found
