"""Requests that nobody should send, drawn from a seed: the same seed gives the same requests."""

import json
import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.arms import GOOD

_FIELDS: Final = tuple(GOOD)
_BLANKS: Final = " \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2000\u2028\u2029\u202f\u205f\u3000"
_TEXTS: Final = (
    "", "a", "x" * 255, "x" * 256, "😀" * 255, "😀" * 256, "\u0301", "\ufeff", "\u200b", "\u202e",
    "\x00", "a\x7fb", "\x9f", "\ud800", "\udc00\ud800", "a" * 60_000, "'; DROP TABLE records; --",
    "%s%n", "\\", '"', "\U0010ffff", "ﷺ", "İ", "null", "13", "S30",
)  # fmt: skip
_NUMBERS: Final = (
    "0", "-0", "1", "100", "101", "-1", "1900", "2200", "2201", "1899", "13.0", "1e2", "1E400",
    "-1e400", "0x10", "01", "+1", "1.", ".5", "NaN", "Infinity", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "9" * 4299, "9" * 4301,
    "9" * 20_000, "1_000", "\uff11\uff13",
)  # fmt: skip
_OTHERS: Final = (
    "null", "true", "false", "[]", "{}", "[13]", '{"a":1}', '"13"', "[" * 100 + "]" * 100,
    "[" * 30_000 + "]" * 30_000, "", "undefined", "'a'", "tru", "nul",
)  # fmt: skip
_WRAPPERS: Final[tuple[tuple[str, str], ...]] = (
    ("\ufeff", ""), (" \n\t\r ", " \n"), ("[", "]"), ("", ","), ("", "}"), ("", "{}"), ("", "\x00"),
    ("/* */", ""), ("\x0c", ""), ("", "\xa0"), ("", " " * 60_000),
)  # fmt: skip
_CONTENT_TYPES: Final = (
    b"application/json; charset=utf-16", b"application/json;", b" application/json ", b"text/json",
    b"application/json, text/plain", b"application/vnd.x+json", b"application/+json", b"\xff", b"",
    b'APPLICATION/JSON;a="b"', b"application/json\t", b"application /json", b"json",
)  # fmt: skip
# No key here is a few bytes from being one: the second arm would rightly repeat the first's answer.
_HEADERS: Final = (
    (b"content-encoding", b"gzip"), (b"content-encoding", b""), (b"content-encoding", b"IDENTITY"),
    (b"idempotency-key", b""), (b"idempotency-key", b"a" + b" " * 5 + b"b"),
    (b"idempotency-key", b"\xff" * 5), (b"idempotency-key", b"k" * 300),
    (b"idempotency-key", b"\x7f" * 5),
    (b"expect", b"100-continue"), (b"expect", b"nonsense"), (b"x-request-id", b"a b"),
    (b"x-request-id", b"r" * 129), (b"x-request-id", b"\xc3\xa9"), (b"x-request-id", b""),
    (b"traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"),
    (b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
    (b"traceparent", b"ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
    (b"traceparent", b"00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01"),
    (b"traceparent", b"\xff" * 55), (b"traceparent", b"00"), (b"tracestate", b"=" * 600),
    (b"baggage", b"a=" + b"%00" * 500), (b"accept", b"text/html"), (b"forwarded", b"for=\xff"),
    (b"x-forwarded-for", b"1.2.3.4, ::1, \xff"), (b"host", b"a-shadow"), (b"host", b"\xff"),
    (b"content-length", b"-1"), (b"content-length", b"1e3"), (b"upgrade", b"websocket"),
    (b"connection", b"upgrade, close"), (b"te", b"trailers"), (b"cookie", b"=" * 4000),
)  # fmt: skip
_METHODS: Final = (b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"GET", b"HEAD", b"QUERY")
_TARGETS: Final = (
    b"/?x=1", b"/#", b"//", b"/%2f", b"/%00", b"/../", b"*", b"http://x/", b"/\xff",
    b"/" + b"a" * 9000,
)  # fmt: skip


class Input(NamedTuple):
    """One request: what is sent, and what of it decides how the answer is read."""

    kind: str
    head: bytes
    body: bytes
    record: bytes | None = None
    """The body, where nothing but the body decides the answer; else None."""
    method: bytes = b"POST"

    @property
    def raw(self) -> bytes:
        """The bytes on the wire, but for a key that the sender puts in."""
        return self.head + b"\r\n" + self.body


def draw(dice: random.Random) -> Input:
    """Draw one input."""
    makers, shares = zip(*_KINDS, strict=True)
    make: Callable[[random.Random], Input] = dice.choices(makers, shares)[0]
    return make(dice)


def _structured(dice: random.Random) -> Input:
    return _of_body("structured", _document(dice).encode("utf-8", "surrogatepass"))


def _mutated(dice: random.Random) -> Input:
    body = bytearray(_document(dice, mistakes=dice.randrange(2)).encode("utf-8", "surrogatepass"))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(body) + 1)
        match dice.randrange(5):
            case 0:
                body[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                body[at:at] = dice.randbytes(dice.randint(1, 4))
            case 2:
                del body[at : at + dice.randint(1, 8)]
            case 3:
                body[at:at] = body[: dice.randint(1, 40)]
            case _:
                del body[at:]
    return _of_body("mutated", bytes(body))


def _garbage(dice: random.Random) -> Input:
    return _of_body("garbage", dice.randbytes(dice.choice((0, 1, 3, 17, 200, 5000))))


def _large(dice: random.Random) -> Input:
    size = 65_536 + dice.choice((-1, 0, 1, 10_000))
    return _of_body("large", _document(dice, mistakes=0).encode().ljust(size))


def _chunked(dice: random.Random) -> Input:
    body = _document(dice).encode("utf-8", "surrogatepass")
    chunks, at = b"", 0
    while at < len(body):
        part = body[at : at + dice.choice((1, 7, 100, 20_000))]
        chunks += b"%x%b\r\n%b\r\n" % (len(part), dice.choice((b"", b";a=b")), part)
        at += len(part)
    head = _head(b"POST", b"/", [(b"content-type", b"application/json")])
    return Input("chunked", head + b"transfer-encoding: chunked\r\n", chunks + b"0\r\n\r\n", body)


def _headed(dice: random.Random) -> Input:
    body = _document(dice, mistakes=0).encode()
    headers = [(b"content-type", dice.choice((b"application/json", *_CONTENT_TYPES)))]
    headers += dice.sample(_HEADERS, dice.randint(0, 3))
    method = dice.choice((b"POST", b"POST", b"POST", *_METHODS))
    target = dice.choice((b"/", b"/", b"/", *_TARGETS))
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", b"%d" % len(body)))
    return Input("headed", _head(method, target, headers), body, method=method)


def _torn(dice: random.Random) -> Input:
    """Bytes that may be no HTTP at all."""
    raw = bytearray(_headed(dice).raw)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(raw))
        raw[at : at + dice.randrange(2)] = dice.randbytes(dice.randrange(3))
    return Input("torn", b"", bytes(raw))


_KINDS: Final[tuple[tuple[Callable[[random.Random], Input], int], ...]] = (
    (_structured, 45), (_mutated, 25), (_garbage, 8), (_large, 1), (_chunked, 6), (_headed, 13),
    (_torn, 2),
)  # fmt: skip


KINDS: Final = frozenset(make.__name__.removeprefix("_") for make, _ in _KINDS)
"""Of every input that may be drawn."""


def _of_body(kind: str, body: bytes) -> Input:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    return Input(kind, _head(b"POST", b"/", headers), body, body)


def _head(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    if not any(name == b"host" for name, _ in headers):
        headers = [(b"host", b"records"), *headers]
    return b"%b %b HTTP/1.1\r\n" % (method, target) + b"".join(
        b"%b: %b\r\n" % header for header in headers
    )


def _document(dice: random.Random, *, mistakes: int | None = None) -> str:
    """Write a record's JSON with some mistakes, or with none but an odd way to write it."""
    members = [[_name(dice, name), _good(dice, name)] for name in _FIELDS]
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3)) if mistakes is None else mistakes):
        match dice.randrange(10):
            case 0 if members:
                members.pop(dice.randrange(len(members)))
            case 1:
                members.append([json.dumps(dice.choice((*_FIELDS, *_TEXTS[:20]))), _value(dice)])
            case 2:
                dice.shuffle(members)
            case _ if members:
                dice.choice(members)[1] = _value(dice)
            case _:
                pass
    text = "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"
    if mistakes is None and dice.random() < 0.05:
        before, after = dice.choice(_WRAPPERS)
        text = before + text + after
    return text


def _name(dice: random.Random, name: str) -> str:
    if dice.random() < 0.02:
        return '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"'
    return f'"{name}"'


def _good(dice: random.Random, name: str) -> str:
    limits: dict[str, tuple[int, int]] = {"nota": (0, 100), "year": (1900, 2200)}
    if name in limits:
        return str(dice.choice((*limits[name], dice.randint(*limits[name]))))
    texts = (GOOD[name], f"x{dice.randrange(50)}", "Ñandú 名 😀", "a/b", "ß" * 255)
    return json.dumps(dice.choice(texts), ensure_ascii=dice.random() < 0.5)


def _value(dice: random.Random) -> str:
    kind: Any = dice.randrange(4)
    if kind == 0:
        return json.dumps(dice.choice(_TEXTS))
    if kind == 1:
        blank, text = dice.choice(_BLANKS), dice.choice(("a", "ab", ""))
        padded = dice.choice((blank + text, text + blank, text + blank + text))
        return json.dumps(padded, ensure_ascii=dice.random() < 0.7)
    return dice.choice(_NUMBERS if kind == 2 else _OTHERS)
