"""VirtualServices made up by hypothesis, within what the translator knows.

Few names and few values, so that rules overlap and requests meet them.
"""

from typing import Any

from hypothesis import strategies as st

Fields = dict[str, Any]

HOSTS = ("*", "a.test", "b.a.test", "*.a.test", "*.test", "c.test")
PATHS = ("/", "/a", "/a/", "/a/b", "/A", "/ab", "/b", "/b/c")
NAMES = ("x-a", "x-b", "cookie")
VALUES = ("1", "2", "12", "")
REGEXES = (".*", "1.*", "[0-9]+", ".*2", "(1|2)")
PATH_REGEXES = ("/.*", "/a/[^/]+", "/(a|b)(/.*)?", ".*")
METHODS = ("GET", "POST", "PUT")
SERVICES = ("ingest", "bridge", "reporter")


def strings(values: tuple[str, ...], regexes: tuple[str, ...]) -> st.SearchStrategy[Fields]:
    """Istio's StringMatch."""
    filled = tuple(value for value in values if value)
    return st.one_of(
        st.builds(lambda value: {"exact": value}, st.sampled_from(filled)),
        st.builds(lambda value: {"prefix": value}, st.sampled_from(filled)),
        st.builds(lambda value: {"regex": value}, st.sampled_from(regexes)),
    )


def named(names: tuple[str, ...]) -> st.SearchStrategy[Fields]:
    """StringMatches by header or parameter name; an empty one asks for its presence."""
    value = st.one_of(strings(VALUES, REGEXES), st.just(Fields()))
    return st.dictionaries(st.sampled_from(names), value, min_size=1, max_size=2)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    """Fields of which each may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def matches() -> st.SearchStrategy[Fields]:
    """Istio's HTTPMatchRequest."""
    return maybe(
        uri=strings(PATHS, PATH_REGEXES),
        method=st.builds(lambda method: {"exact": method}, st.sampled_from(METHODS)),
        headers=named(NAMES),
        withoutHeaders=named(NAMES),
        queryParams=named(("q", "r")),
        ignoreUriCase=st.booleans(),
        authority=st.builds(lambda host: {"prefix": host}, st.sampled_from(("a.test", "b"))),
    ).filter(bool)


def with_matches(rule: st.SearchStrategy[Fields]) -> st.SearchStrategy[Fields]:
    """A rule that is for some requests, or for all."""
    found = st.lists(matches(), max_size=3)
    return st.builds(
        lambda fields, match: fields | ({"match": match} if match else {}), rule, found
    )


def services(rule: st.SearchStrategy[Fields], most: int = 4) -> st.SearchStrategy[list[Fields]]:
    """Up to ``most`` VirtualServices, each of hosts of its own (files have no age to sort by)."""

    def made(hosts: list[str], rules: list[list[Fields]]) -> list[Fields]:
        return [
            virtual_service(
                f"made-{number}",
                [host],
                [{"name": f"rule-{number}-{index}", **fields} for index, fields in enumerate(http)],
            )
            for number, (host, http) in enumerate(zip(hosts, rules, strict=False))
        ]

    hosts = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=most, unique=True)
    rules = st.lists(st.lists(rule, min_size=1, max_size=5), min_size=most, max_size=most)
    return st.builds(made, hosts, rules)


def virtual_service(name: str, hosts: list[str], http: list[Fields]) -> Fields:
    """Return a VirtualService of the gateway."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {"hosts": hosts, "gateways": ["meshsplit"], "http": http},
    }


def requests() -> st.SearchStrategy[tuple[str, str, list[tuple[str, str]]]]:
    """A method, a target and headers that may meet those rules."""
    extra = ("/a/../b", "/%61", "/a%2Fb", "/a//b", "/.", "/b/%2e%2e/a", "/a/.", "/nothing", "/a\\b")
    target = st.builds(
        lambda path, query: path + query,
        st.sampled_from(PATHS + extra),
        st.sampled_from(("", "?q=1", "?q", "?r=12&q=2", "?q=%31", "?")),
    )
    hosts = ("a.test", "b.a.test", "B.A.test", "x.b.a.test", "c.test", "other", "a.test:8080")
    headers = st.lists(st.tuples(st.sampled_from(NAMES[:2]), st.sampled_from(VALUES)), max_size=3)
    return st.builds(
        lambda method, path, host, more: (method, path, [("host", host), *more]),
        st.sampled_from(METHODS),
        target,
        st.sampled_from(hosts),
        headers,
    )


def _subset_of(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


def _percentages() -> st.SearchStrategy[Fields]:
    return st.builds(
        lambda value: {"value": value}, st.sampled_from((0, 0.01, 0.57, 1.1, 4.35, 10, 50, 100))
    )


def _durations() -> st.SearchStrategy[str]:
    return st.sampled_from(("1s", "250ms", "1m30s", "15s", "1h"))


def _destinations() -> st.SearchStrategy[Fields]:
    host = st.sampled_from(SERVICES)
    port = {"number": 8000}
    plain = st.builds(lambda name: {"host": name, "port": port}, host)
    subset = st.just({"host": "ingest", "subset": "direct", "port": port})
    return st.one_of(plain, subset, st.builds(lambda name: {"host": name}, host))


def _header_operations() -> st.SearchStrategy[Fields]:
    texts = st.dictionaries(st.sampled_from(("x-a", "x-b", "x-c")), st.sampled_from(("1", "b c")))
    operations = maybe(set=texts, add=texts, remove=_subset_of(("x-d", "x-e")))
    request = st.one_of(operations, st.just({"set": {"Host": "other.test"}}))
    return maybe(request=request, response=operations)


def _routes() -> st.SearchStrategy[list[Fields]]:
    def weighted(places: list[Fields], weights: list[int], headers: list[Fields]) -> list[Fields]:
        if len(places) == 1:
            return [{"destination": places[0], **headers[0]}]
        if not sum(weights[: len(places)]):
            weights = [1, *weights[1:]]
        rows = zip(places, weights, headers, strict=False)
        return [{"destination": place, "weight": weight, **more} for place, weight, more in rows]

    more = st.one_of(st.just(Fields()), st.builds(lambda h: {"headers": h}, _header_operations()))
    return st.builds(
        weighted,
        st.lists(_destinations(), min_size=1, max_size=3),
        st.lists(st.sampled_from((0, 1, 10, 50, 90)), min_size=3, max_size=3),
        st.lists(more, min_size=3, max_size=3),
    )


def _forwards() -> st.SearchStrategy[Fields]:
    retries = st.one_of(
        st.just({"attempts": 0}),
        st.builds(
            lambda attempts, more: {"attempts": attempts, **more},
            st.integers(1, 5),
            maybe(
                retryOn=st.sampled_from(("5xx", "reset,503", "connect-failure,502,503")),
                perTryTimeout=_durations(),
                retryIgnorePreviousHosts=st.booleans(),
                backoff=_durations(),
            ),
        ),
    )
    mirror = st.builds(
        lambda place, more: {"destination": place, **more},
        _destinations(),
        maybe(percentage=_percentages()),
    )
    rewrite = st.one_of(
        st.builds(lambda uri: {"uri": uri}, st.sampled_from(("/", "/new"))),
        st.just({"authority": "rewritten.test", "uri": "/new/"}),
        st.just({"uriRegexRewrite": {"match": "^/a/(.*)", "rewrite": "/b/\\1"}}),
    )
    return st.builds(
        lambda route, more: {"route": route, **more},
        _routes(),
        maybe(
            timeout=_durations(),
            retries=retries,
            mirrors=st.lists(mirror, min_size=1, max_size=2),
            rewrite=rewrite,
        ),
    )


def _redirects() -> st.SearchStrategy[Fields]:
    fields = maybe(
        uri=st.sampled_from(("/", "/to")),
        authority=st.just("to.test"),
        scheme=st.sampled_from(("http", "https")),
        redirectCode=st.sampled_from((301, 302, 303, 307, 308)),
        port=st.sampled_from((80, 443, 8443)),
    )
    derived = maybe(
        uri=st.just("/to"),
        scheme=st.sampled_from(("http", "https")),
        derivePort=st.sampled_from(("FROM_REQUEST_PORT", "FROM_PROTOCOL_DEFAULT")),
    )
    found = st.one_of(fields, derived).filter(lambda made: bool({"uri", "authority"} & made.keys()))
    return st.builds(lambda redirect: {"redirect": redirect}, found)


def _answers() -> st.SearchStrategy[Fields]:
    body = maybe(body=st.just({"string": "tea"}))
    return st.builds(
        lambda status, more: {"directResponse": {"status": status, **more}},
        st.sampled_from((200, 404, 503)),
        body,
    )


def rules() -> st.SearchStrategy[Fields]:
    """Whole rules: what they are for, what they do, and what is done on the way."""
    delay = st.builds(lambda share: {"fixedDelay": "400ms", "percentage": share}, _percentages())
    abort = st.builds(lambda share: {"httpStatus": 503, "percentage": share}, _percentages())
    fault = maybe(delay=delay, abort=abort).filter(bool)
    cors = st.builds(
        lambda more: {"allowOrigins": [{"exact": "https://a.test"}], **more},
        maybe(
            allowMethods=_subset_of(("GET", "POST")),
            allowHeaders=_subset_of(("x-a", "x-b")),
            exposeHeaders=_subset_of(("x-c",)),
            maxAge=st.sampled_from(("1s", "24h")),
            allowCredentials=st.booleans(),
            unmatchedPreflights=st.sampled_from(("FORWARD", "IGNORE")),
        ),
    )
    action = st.one_of(_forwards(), _forwards(), _redirects(), _answers())
    on_the_way = maybe(headers=_header_operations(), fault=fault, corsPolicy=cors)

    def made(what: Fields, way: Fields) -> Fields:
        if "route" not in what:
            way = {key: value for key, value in way.items() if key == "headers"}
        return what | way

    return with_matches(st.builds(made, action, on_the_way))
