"""The one outgoing client: where it never connects, and what a hostile peer cannot make it do."""

import asyncio
import gzip
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.http.addresses import AddressPolicy, UrlRefused
from shared.http.outbound import (
    AnswerTooLarge,
    BlockedAddress,
    OutboundClient,
    OutboundError,
    RedirectRefused,
    TimedOut,
)

PUBLIC = AddressPolicy()
LOCAL = AddressPolicy.parse("127.0.0.1/32")
DAY = timedelta(days=1)

# The first and the last address of every range that is refused.
REFUSED = (
    "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 "
    "169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.0 "
    "192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 "
    "198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 :: ::1 "
    "::7f00:1 ::ffff:ffff 64:ff9b:: 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b::ffff:ffff 64:ff9b:1:: "
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff 100:: 100::ffff:ffff:ffff:ffff 2001:: "
    "2001:0:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2002:: "
    "2002:7f00:1:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff "
    "5f00:: 5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff fc00:: fd00::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
    "fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ff00:: "
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 "
    "fe80::1%eth0 ::1:0:0 ::ffff:0:a00:1 1::1 64:ff9a::1 64:ff9b:2:: 100:0:0:1:: 1fff:ffff:: 4000:: 4000::1 "
    "5eff:: 5f01:: 7fff:: 8000:: fbff:: "
)
# Their neighbours outside.
PERMITTED = (
    "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 "
    "169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 "
    "192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 "
    "223.255.255.255 8.8.8.8 ::ffff:8.8.8.8 2000:: 2001:1:: "
    "2001:4860:4860::8888 2001:db7:: 2001:db9:: 2001:ffff:: 2003:: 3ffe:: 3fff:1000:: "
    "3fff:ffff:ffff:: 2a00:1450:4001::1 "
)


@pytest.mark.parametrize("address", REFUSED.split())
def test_an_address_inside_is_refused(address: str) -> None:
    assert not PUBLIC.permits(address)


@pytest.mark.parametrize("address", PERMITTED.split())
def test_an_address_outside_is_permitted(address: str) -> None:
    assert PUBLIC.permits(address)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://127.0.0.1/", "forbidden-address"),
        ("https://localhost/", "forbidden-address"),
        ("https://a.localhost./", "forbidden-address"),
        ("https://10.1.2.3/", "forbidden-address"),
        ("https://169.254.169.254/latest/meta-data", "forbidden-address"),
        ("https://0/", "forbidden-address"),
        ("https://127.1/", "forbidden-address"),
        ("https://2130706433/", "forbidden-address"),
        ("https://0x7f000001/", "forbidden-address"),
        ("https://0177.0.0.1/", "forbidden-address"),
        ("https://0x7f.1/", "forbidden-address"),
        ("https://[::1]/", "forbidden-address"),
        ("https://[::ffff:10.0.0.1]/", "forbidden-address"),
        ("https://[::ffff:a00:1]/", "forbidden-address"),
        ("https://[64:ff9b::a00:1]/", "forbidden-address"),
        ("https://[fe80::1%25eth0]/", "forbidden-address"),
        ("https://user@example.org/", "invalid-url"),
        ("https://user:pw@example.org/", "invalid-url"),
        ("https://@example.org/", "invalid-url"),
        ("https://example.org:25/", "invalid-url"),
        ("https://example.org:99999/", "invalid-url"),
        ("http://example.org/", "invalid-url"),
        ("file:///etc/passwd", "invalid-url"),
        ("gopher://example.org/", "invalid-url"),
        ("//example.org/", "invalid-url"),
        ("https:///path", "invalid-url"),
        ("https://exa mple.org/", "invalid-url"),
        ("https://example.org\\@127.0.0.1/", "invalid-url"),
        ("https://example.org/\r\nX: y", "invalid-url"),
        ("https://[::1/", "invalid-url"),
        ("https://١٢٧.0.0.1/", "forbidden-address"),
        ("https://127。0。0。1/", "forbidden-address"),
        ("https://[::ffff:0:a00:1]/", "forbidden-address"),
        ("https://4294967296/", "invalid-url"),
        ("https://256.1/", "invalid-url"),
        ("https://example.0x/", "invalid-url"),
        ("https://%31%30.0.0.1/", "invalid-url"),
    ],
)
def test_a_url_that_is_wrong_on_its_face_is_refused(url: str, code: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        PUBLIC.check_url(url)
    assert refused.value.code == code


@pytest.mark.parametrize("url", ["https://example.org/hook?x=1", "https://example.org:8443/", "https://8.8.8.8/"])
def test_an_ordinary_url_is_taken(url: str) -> None:
    PUBLIC.check_url(url)


def test_the_operator_may_open_a_network_to_http_and_any_port() -> None:
    LOCAL.check_url("http://127.0.0.1:9000/")
    LOCAL.check_url("http://localhost:9000/")
    with pytest.raises(UrlRefused):
        LOCAL.check_url("http://127.0.0.2:9000/")


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


@asynccontextmanager
async def peer(answering: Answering) -> AsyncIterator[str]:
    """A server that does what `answering` does once a request's head is there; gives its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answering(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def saying(status: str, *headers: str, body: bytes = b"") -> Answering:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return answer


@pytest.fixture
async def client() -> AsyncIterator[OutboundClient]:
    """A client that may reach this machine."""
    async with OutboundClient(LOCAL) as made:
        yield made


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_nothing_is_sent_to_a_forbidden_address(host: str) -> None:
    connected = asyncio.Event()

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()

    async with peer(note) as url, OutboundClient(PUBLIC) as client:
        port = url.rsplit(":", 1)[1].strip("/")
        for scheme in ("http", "https"):
            with pytest.raises(BlockedAddress):
                await client.post(f"{scheme}://{host}:{port}/", b"{}", {}, timeout=2)
    assert not connected.is_set()


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["8.8.8.8", "10.0.0.1"]])
async def test_a_name_is_judged_by_all_it_resolves_to_when_connecting(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    def rebound(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    async with OutboundClient(PUBLIC) as client:
        with pytest.raises(BlockedAddress):
            await client.get("https://innocent.example/", timeout=2, max_bytes=100)


async def test_names_whose_servers_are_silent_hold_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    known, silent, asked = socket.getaddrinfo, threading.Event(), []

    def look_up(host: str, *rest: Any, **named: Any) -> list[tuple[Any, ...]]:
        if host.endswith(".silent.example"):
            asked.append(host)
            silent.wait(20)
        return known("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    policy = AddressPolicy.parse("127.0.0.1/32")
    async with peer(saying("200 OK")) as url, OutboundClient(policy) as client, asyncio.TaskGroup() as group:
        port = url.rsplit(":", 1)[1]
        slow = [f"http://n{number % 40}.silent.example:{port}" for number in range(80)]
        waiting = [group.create_task(error_of(client.post(each, b"{}", {}, timeout=3))) for each in slow]
        while len(asked) < 40:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        assert (await client.post(f"http://good.example:{port}", b"{}", {}, timeout=3)).status == 200
        assert time.monotonic() - started < 2
        assert {await each for each in waiting} == {"timeout"}
        again = group.create_task(error_of(client.post(slow[0], b"{}", {}, timeout=0.2)))
        assert await again == "timeout"
        silent.set()
    assert len(asked) == 40, "a name is asked for once at a time"


async def error_of(sending: Awaitable[object]) -> str:
    with pytest.raises(OutboundError) as raised:
        await sending
    return raised.value.code


async def test_an_error_says_what_its_owner_has_to_look_at(client: OutboundClient, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusting_nobody.load_cert_chain(certificate)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=trusting_nobody) as server:
        port = server.sockets[0].getsockname()[1]
        assert await error_of(client.post(f"https://127.0.0.1:{port}/", b"{}", {}, timeout=2)) == "tls-failed"
    assert not any(heard), "nothing was sent to a peer that nobody vouches for"
    async with await asyncio.start_server(smtp_greeting, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await error_of(client.post(f"https://127.0.0.1:{port}/", b"{}", {}, timeout=2)) == "tls-failed"
    unknown = error_of(client.post("http://no-such-host.invalid/", b"{}", {}, timeout=5))
    assert await unknown == "name-not-resolved"
    assert await error_of(client.post("http://127.0.0.1:1/", b"{}", {}, timeout=2)) == "connection-failed"


async def smtp_greeting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 smtp.example ESMTP\r\n")
    writer.close()


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now, san = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
    made = builder.add_extension(san, critical=False).sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "peer.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM) + pem)
    return file


async def test_no_compressed_answer_is_asked_for(client: OutboundClient) -> None:
    heads: list[bytes] = []
    server = await asyncio.start_server(recorder(heads), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await client.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout=2)
    assert b"accept-encoding: identity" in heads[0].lower()


def recorder(heads: list[bytes]) -> Answering:
    """Keeps each request's head."""

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    return record


async def test_an_answer_is_read_to_its_limit_and_no_further(client: OutboundClient) -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with peer(flood) as url:
        answer = await client.post(url, b"{}", {}, timeout=5)
        assert (answer.status, len(answer.body), answer.truncated) == (200, 4096, True)
        with pytest.raises(AnswerTooLarge):
            await client.get(url, timeout=5, max_bytes=1000)


async def test_a_compressed_answer_is_not_unpacked(client: OutboundClient) -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)
    async with peer(saying("200 OK", "Content-Encoding: gzip", body=bomb)) as url:
        assert (await client.get(url, timeout=5, max_bytes=100_000)).body == bomb


async def test_an_answer_that_drips_ends_with_the_time(client: OutboundClient) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def silence(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    for behaviour in (drip, silence):
        async with peer(behaviour) as url:
            started = time.monotonic()
            with pytest.raises(TimedOut):
                await client.post(url, b"{}", {}, timeout=0.3)
            assert time.monotonic() - started < 0.6


async def test_a_redirect_is_followed_only_where_asked_and_only_to_the_same_host(client: OutboundClient) -> None:
    async with peer(saying("302 Found", "Location: http://169.254.169.254/")) as url:
        assert (await client.post(url, b"{}", {}, timeout=2)).status == 302
        for redirects in (0, 1):
            with pytest.raises(RedirectRefused):
                await client.get(url, timeout=2, max_bytes=100, redirects=redirects)
    async with peer(saying("302 Found", "Location: /again")) as url:
        with pytest.raises(RedirectRefused):
            await client.get(url, timeout=2, max_bytes=100, redirects=1)


async def test_a_redirect_on_the_same_host_arrives(client: OutboundClient) -> None:
    asked = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        behaviour = saying("302 Found", "Location: /there") if asked == 1 else saying("200 OK", body=b"here")
        await behaviour(reader, writer)

    async with peer(once) as url:
        assert (await client.get(url, timeout=2, max_bytes=100, redirects=1)).body == b"here"


async def test_a_peer_that_breaks_off_or_talks_nonsense_is_an_error(client: OutboundClient) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ESMTP\r\n")

    for behaviour in (reset, nonsense):
        async with peer(behaviour) as url:
            with pytest.raises(OutboundError):
                await client.post(url, b"{}", {}, timeout=2)
    with pytest.raises(OutboundError):
        await client.get("http://127.0.0.1:1/", timeout=2, max_bytes=100)


async def test_cookies_and_proxies_of_the_environment_are_ignored(
    client: OutboundClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.read(2))
        await saying("200 OK", "Set-Cookie: a=b")(reader, writer)

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    async with peer(note) as url:
        for _ in range(2):
            answer = await client.post(url, b"{}", {"x-a": "b"}, timeout=2)
            assert answer.status == 200
            assert "Cookie" not in answer.headers
