import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.core.http.heads import read_head
from services.core.telemetry.trace_context import read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
HEX = st.text("0123456789abcdef", min_size=2, max_size=2)
NEARLY = st.builds(
    lambda version, trace, span, flags, more: f"{version}-{trace}-{span}-{flags}{more}",
    HEX | st.sampled_from(["00", "ff", "cc"]),
    st.sampled_from([TRACE, "0" * 32, TRACE.upper(), TRACE[1:]]),
    st.sampled_from([SPAN, "0" * 16, SPAN + "0"]),
    HEX | st.sampled_from(["00", "01", "0g", "1"]),
    st.sampled_from(["", "-", "-what the future brings", "x", "\n"]),
)


@given(NEARLY | st.text("0123456789abcdef-", max_size=80))
def test_a_traceparent_is_read_as_the_tracing_library_reads_it(text: str) -> None:
    context = TraceContextTextMapPropagator().extract({"traceparent": text})
    theirs = get_current_span(context).get_span_context()
    ours = read_traceparent(text.encode())
    if text.endswith("\n"):
        return  # no header has one, and they take it
    assert (ours is not None) == theirs.is_valid
    if ours is not None:
        assert int(ours.trace_id, 16) == theirs.trace_id
        assert int(ours.span_id, 16) == theirs.span_id
        assert ours.sampled == theirs.trace_flags.sampled
        assert read_traceparent(ours.text.encode()) == ours


def test_a_head_tells_whether_its_request_is_traced() -> None:
    head = read_head([(b"traceparent", GOOD.encode())])
    assert (head.trace_id, head.traceparent) == (TRACE.encode(), GOOD)
    unsampled = read_head([(b"traceparent", GOOD.replace("-01", "-00").encode())])
    assert (unsampled.trace_id, unsampled.traceparent) == (TRACE.encode(), "")


@pytest.mark.parametrize("headers", [[], [b"nonsense"], [GOOD.encode(), GOOD.encode()]])
def test_a_head_without_one_good_traceparent_is_as_if_it_had_none(headers: list[bytes]) -> None:
    head = read_head([(b"traceparent", each) for each in headers])
    assert (head.parent, head.trace_id, head.traceparent) == (None, b"", "")
