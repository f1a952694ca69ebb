"""Nothing but the allow-list is ever connected to, no key is ever told, no certificate is ever taken on trust."""

import logging
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme
from loopback import FAULTS, JPEG, Loopback, moves, says

from pipeline.errors import SettingsError
from pipeline.fetcher import Request, Rules, fetch, is_at, manners, origin
from pipeline.fetcher.addresses import is_allowed

ANY = "0.0.0.0"  # noqa: S104 - never bound to
PRIVATE = (
    "127.0.0.1", "127.8.8.8", ANY, "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1", "2002:7f00:1::1", "2001:db8::1", "",
    "localhost", "2130706433", "0x7f.1", "127.1", "017700000001",
)  # fmt: skip
SECRET = "SENTINEL-4f1d"  # noqa: S105 - the test looks for it


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    manners.forget()
    monkeypatch.setenv("THOROUGHFARE_CONTACT", "ops@example.org")


def status(url: str, hosts: tuple[str, ...], *, loopback: bool = True, **request: object) -> str:
    return fetch([Request(url, **request)], Rules(hosts, loopback=loopback, deadline_s=10.0))[0].status


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_never_connected_to(address):
    assert not is_allowed(address, loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:1"])
def test_public_addresses_are_allowed_but_not_in_a_rehearsal(address):
    assert is_allowed(address, loopback=False)
    assert not is_allowed(address, loopback=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "017700000001", ANY])
def test_a_name_that_leads_home_is_refused_even_where_it_is_in_the_allow_list(host):
    with Loopback() as server:
        url = f"http://{host}:{server.port}"
        assert status(url + "/1.jpg", (url,), loopback=False) == "refused: address not public"
        assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "https://127.0.0.1:{port}/", "http://user@127.0.0.1:{port}/", "http://127.0.0.1:{port}@evil.example/",
     "http://127.0.0.1:{port}\\@evil.example/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "http://[::1]:{port}/",
     "//127.0.0.1:{port}/", "http://127.0.0.1:{port}.evil.example/", "", "http://", "http://127.0.0.1:{port}\r\nX: y/"],
)  # fmt: skip
def test_only_the_stated_scheme_host_and_port_are_asked(url):
    with Loopback() as server:
        assert status(url.format(port=server.port), (server.url,)) == "refused: not in the allow-list"
        assert server.connections == 0


def test_an_address_is_compared_as_it_is_meant():
    assert origin("HTTPS://Example.ORG/a?b") == "https://example.org:443" == origin("https://example.org:443")
    assert is_at("https://example.org/Straße 1.jpg", ("https://example.org",))


@pytest.mark.parametrize(
    ("path", "is_below"),
    [("/ours/1.jpg", True), ("/ours/", True), ("/ours", False), ("/", False), ("/other/1.jpg", False), ("/ours/../other/1.jpg", False),
     ("/ours/%2e%2E/other/1.jpg", False), ("/ours/.", False), ("/ours/..?a", False), ("/ours/a..b/.c.jpg", True), ("/ours/?a=/../b", False)],
)  # fmt: skip
def test_where_servers_are_shared_only_what_lies_below_the_stated_path_is_asked_for(path, is_below):
    with Loopback({"/ours/away": moves("/other/1.jpg")}) as server:
        asked = status(server.url + path, (f"{server.url}/ours/",))
        assert asked == ("ok" if is_below else "refused: not in the allow-list")
        assert len(server.asked) == is_below
        assert status(f"{server.url}/ours/away", (f"{server.url}/ours/",)) == "refused: redirect out of the allow-list"


def test_odd_characters_of_an_address_are_sent_encoded():
    with Loopback() as server:
        assert status(f"{server.url}/Straße 1.jpg?a=b c", (server.url,)) == "ok"
        assert server.asked[0][0] == "/Stra%C3%9Fe%201.jpg?a=b%20c"


def test_a_redirect_inside_the_allow_list_is_followed_without_keys():
    with Loopback() as other, Loopback({"/1": moves(f"{other.url}/2.jpg")}) as server:
        asked = status(
            f"{server.url}/1", (server.url, other.url), secrets={"X-Key": SECRET}, secret_query=f"k={SECRET}"
        )
        assert asked == "ok"
        assert server.asked[0][0] == f"/1?k={SECRET}"
        assert server.asked[0][1]["x-key"] == SECRET
        assert SECRET not in str(other.asked)
        assert "cookie" not in other.asked[0][1]


def test_the_fourth_redirect_is_not_followed():
    pages = {f"/{n}": moves(f"/{n + 1}") for n in range(5)}
    with Loopback(pages) as server:
        assert status(f"{server.url}/1", (server.url,)) == "refused: too many redirects"
        assert [path for path, _ in server.asked] == ["/1", "/2", "/3", "/4"]


def test_cookies_are_not_kept():
    with Loopback({"/1": says(JPEG, "Set-Cookie: a=b; Path=/")}) as server:
        for _ in range(2):
            status(f"{server.url}/1", (server.url,))
        assert all("cookie" not in headers for _, headers in server.asked)


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with Loopback() as proxy, Loopback() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert status(f"{server.url}/1.jpg", (server.url,)) == "ok"
        assert proxy.connections == 0


def test_whom_to_write_to_is_said_and_a_public_server_is_not_asked_without(monkeypatch):
    with Loopback() as server:
        status(f"{server.url}/1.jpg", (server.url,))
        assert server.asked[0][1]["user-agent"].endswith("(+ops@example.org)")
    for contact in ("", "nobody", "a@b\r\nX: y"):
        monkeypatch.setenv("THOROUGHFARE_CONTACT", contact)
        with pytest.raises(SettingsError, match="THOROUGHFARE_CONTACT"):
            status("https://example.org/1.jpg", ("https://example.org",), loopback=False)


def tls(authority: trustme.CA, *names: str, **terms: object) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **terms).configure_cert(context)
    return context


@pytest.mark.parametrize("fault", ["", "expired", "other name", "unknown authority"])
def test_certificates_are_always_verified(tmp_path, monkeypatch, fault):
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    terms = {"not_after": datetime(2020, 1, 1, tzinfo=UTC)} if fault == "expired" else {}
    name = "example.org" if fault == "other name" else "127.0.0.1"
    with Loopback(tls=tls(trustme.CA() if fault == "unknown authority" else trusted, name, **terms)) as server:
        assert status(f"{server.url}/1.jpg", (server.url,)) == ("no valid certificate" if fault else "ok")
        assert len(server.asked) == (0 if fault else 1)


def test_a_key_is_in_no_answer_error_log_or_repr(caplog):
    caplog.set_level(logging.DEBUG)
    with Loopback() as server:
        requests = [
            Request(f"{server.url}/fault/{name}", secrets={"X-Key": SECRET}, secret_query=f"key={SECRET}")
            for name in FAULTS
        ]
        rules = Rules((server.url,), loopback=True, deadline_s=0.5, at_once=40, limit_bytes=2**18)
        answers = fetch(requests, rules)
        answers += fetch([replace(requests[0], url="http://elsewhere.example/")], rules)
        assert any(SECRET in path for path, _ in server.asked)
    assert SECRET not in f"{requests} {answers} {caplog.text}"
