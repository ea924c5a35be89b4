import pytest

from docaxis_notification.settings import NotificationSettings
from docaxis_notification.webhook_urls import address_allowed, url_fault

STRICT = NotificationSettings()
LOOPBACK = NotificationSettings(allow_loopback=True)
PRIVATE = NotificationSettings(allow_private=True)
HTTP = NotificationSettings(allow_http=True)


@pytest.mark.parametrize(
    "url",
    ["https://a.example", "https://a.example:8443/h?x=1", "https://8.8.8.8/h", "HTTPS://A.example"],
)
def test_complete_https_addresses_are_taken(url: str) -> None:
    assert url_fault(url, STRICT) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example/h",
        "http://a.example/h",
        "ftp://a.example",
        "https://",
        "https:///h",
        "https://user:secret@a.example",
        "https://@a.example",
        "https://a.example/#f",
        "https://a.example:0",
        "https://a.example:99999",
        "https://a.example:x",
        "https://[::1",
        "https://a.example/h\n",
        "https://a.example/a b",
        "https://a.example\\@b.example/",
        "https://127%2e0.0.1/",
        "https://ví-dụ.vn",
        "https://a.example/" + "a" * 2000,
    ],
)
def test_what_is_no_complete_https_address_is_invalid(url: str) -> None:
    assert url_fault(url, STRICT) == "url_invalid"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_is_called_only_where_the_settings_allow_it(host: str) -> None:
    assert url_fault(f"https://{host}/h", STRICT) == "url_forbidden"
    assert url_fault(f"https://{host}/h", PRIVATE) == "url_forbidden"
    assert url_fault(f"http://{host}/h", LOOPBACK) == ""


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.0.1", "172.16.0.1", "[fd00::1]"])
def test_private_networks_are_called_only_where_the_settings_allow_it(host: str) -> None:
    assert url_fault(f"https://{host}/h", STRICT) == "url_forbidden"
    assert url_fault(f"https://{host}/h", LOOPBACK) == "url_forbidden"
    assert url_fault(f"https://{host}/h", PRIVATE) == ""


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "[fe80::1]", "[::]", "[ff02::1]"]
)
def test_addresses_of_special_use_are_never_called(host: str) -> None:
    every = NotificationSettings(allow_http=True, allow_loopback=True, allow_private=True)
    assert url_fault(f"https://{host}/h", every) == "url_forbidden"


def test_http_is_a_setting() -> None:
    assert url_fault("http://a.example/h", HTTP) == ""
    assert url_fault("http://a.example/h", LOOPBACK) == "url_invalid"


def test_what_a_name_leads_to_is_checked_as_an_address() -> None:
    assert address_allowed("8.8.8.8", STRICT)
    for address in (
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "no address",
    ):
        assert not address_allowed(address, STRICT)
    assert address_allowed("127.0.0.1", LOOPBACK)


def test_waits_between_attempts_are_positive() -> None:
    with pytest.raises(ValueError, match="between attempts"):
        NotificationSettings(retry_waits_s=(1.0, 0.0))
