"""The gateway's one listener: what Istio's ingress gateway does to every HTTP request."""

from meshsplit.translator.envoy import Json, extension, socket_address

ROUTES = "http.80"
"""The name of the gateway's route configuration, as Istio has it."""

_ACCESS_LOG = {
    "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "route": "%ROUTE_NAME%",
    "rule_of": "%METADATA(ROUTE:istio:config)%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "authority": "%REQ(:AUTHORITY)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "status_details": "%RESPONSE_CODE_DETAILS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "duration_ms": "%DURATION%",
    "upstream_ms": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "user_agent": "%REQ(USER-AGENT)%",
}

_REFUSALS = {
    # What is refused because an upstream has enough under way never reached it, and says when to
    # come again. In a cluster k8s/base/gateway-refusals.yaml tells Istio's gateway the same.
    "mappers": [
        {
            "filter": {"response_flag_filter": {"flags": ["UO"]}},
            "headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
        }
    ]
}


def listener(address: tuple[str, int], routes: Json, access_log: str, tracing: Json) -> Json:
    """Return the listener; ``routes`` is the source of its route configuration.

    ``tracing`` is what the manager is given to trace by, or nothing.

    What is set is what Istio's ingress gateway sets (istio/istio,
    pilot/pkg/networking/core/{gateway,listener_builder}.go); what is left out has Envoy's
    default there as well: 60 KiB and 100 headers a request, escaped slashes left alone.
    """
    filters = "envoy.extensions.filters.http"
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        rds={"route_config_name": ROUTES, "config_source": routes},
        use_remote_address=True,
        normalize_path=True,
        server_name="istio-envoy",
        forward_client_cert_details="SANITIZE_SET",
        stream_idle_timeout="0s",
        upgrade_configs=[{"upgrade_type": "websocket"}],
        local_reply_config=_REFUSALS,
        **tracing,
        http_filters=[
            extension("envoy.filters.http.fault", f"{filters}.fault.v3.HTTPFault"),
            extension("envoy.filters.http.cors", f"{filters}.cors.v3.Cors"),
            extension("envoy.filters.http.router", f"{filters}.router.v3.Router"),
        ],
        access_log=[
            extension(
                "envoy.access_loggers.file",
                "envoy.extensions.access_loggers.file.v3.FileAccessLog",
                path=access_log,
                log_format={
                    "json_format": _ACCESS_LOG,
                    "formatters": [],
                    "omit_empty_values": False,
                },
            )
        ],
    )
    return {
        "name": "gateway",
        "address": socket_address(*address),
        # A port that is taken is an error, not shared with whoever else listens on it.
        "enable_reuse_port": False,
        "connection_balance_config": {"exact_balance": {}},
        "filter_chains": [{"filters": [manager]}],
    }
