"""Where Redis is can be said in two forms, and anything else is refused with both."""

import pytest

from services.core.live.redis_address import Sentinels, parse_redis


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:secret@127.0.0.1:6380/0",
        "redis://user:p%40ss@[::1]:6379/3",
        "redis://127.0.0.1/",
    ],
)
def test_a_servers_url_is_left_to_the_library(url: str) -> None:
    assert parse_redis(url) == url


def test_sentinels_are_read_with_their_service_login_and_database() -> None:
    url = "redis+sentinel://bob:p%40s@10.0.0.1:26380,sentinel-2,[::1]:1/grades/2"
    places = (("10.0.0.1", 26380), ("sentinel-2", 26379), ("::1", 1))
    assert parse_redis(url) == Sentinels(places, "grades", "bob", "p@s", 2)


def test_login_and_database_of_sentinels_may_be_left_out() -> None:
    expected = Sentinels((("a", 26379),), "grades", None, None, 0)
    assert parse_redis("redis+sentinel://a/grades") == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://",
        "redis://a:0",
        "redis://a:65536",
        "redis://a,b",
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+sentinel://a,/grades",
        "redis+sentinel://a:70000/grades",
        "redis+sentinel://a/grades/x",
        "mysql://a/b",
    ],
)
def test_any_other_form_is_refused_with_an_example_of_each(url: str) -> None:
    with pytest.raises(ValueError, match=r"redis://.* or redis\+sentinel://"):
        parse_redis(url)
