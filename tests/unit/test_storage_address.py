import pytest

from services.core.storage.address import Address, parse_address


def test_a_url_names_host_login_and_database() -> None:
    assert parse_address("mysql://user:pass@127.0.0.1:3307/grades") == Address(
        (("127.0.0.1", 3307),), "user", "pass", "grades"
    )


def test_a_password_may_be_empty_or_encoded() -> None:
    assert parse_address("mysql://root:@db/grades").password == ""
    assert parse_address("mysql://root@db/grades").password == ""
    encoded = parse_address("mysql://u%40x:p%2Fa%3As%25s@db/grades")
    assert (encoded.user, encoded.password) == ("u@x", "p/a:s%s")


def test_several_hosts_and_default_ports_are_read() -> None:
    hosts = parse_address("mysql://u:p@a,b:3310,[::1]:3311,[::1]/grades").hosts
    assert hosts == (("a", 3306), ("b", 3310), ("::1", 3311), ("::1", 3306))


def test_an_address_is_shown_without_its_password() -> None:
    assert str(parse_address("mysql://user:secret@a:1/grades")) == "a:1/grades"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://",
        "postgres://u:p@h/d",
        "mysql://u:p@h",
        "mysql://h/d",
        "mysql://u:p@h:x/d",
        "mysql://u:p@h:0/d",
        "mysql://u:p@h:65536/d",
        "mysql://u:p@:3306/d",
        "mysql://u:p@a,,b/d",
        "mysql://u:p@h/d/e",
        "mysql://u:p@h/d?ssl=1",
    ],
)
def test_another_form_is_refused_with_what_was_expected(url: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        parse_address(url)
