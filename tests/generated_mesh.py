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
