"""Decentralised identifiers: the did:web an institution signs as, and the document that lists its keys."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from shared.credentials.contexts import DID_V1, MULTIKEY_V1

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# As it is written in the DID: the only escape is the colon before the port.
_AUTHORITY = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)(?:%3[Aa](?P<port>[1-9][0-9]{{0,4}}))?")
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=@-]+")
_LOCAL = ("localhost", "127.0.0.1")
_MAX_DID = 2000


def did_web(base_url: str, slug: str) -> str:
    """The DID of an institution whose document is at `{base_url}/institutions/{slug}/did.json` (did:web, 2.2)."""
    parts = urlsplit(base_url)
    host = quote(parts.netloc, safe=".-")
    path = [segment for segment in parts.path.split("/") if segment]
    return ":".join(["did:web", host, *path, "institutions", slug])


def did_web_url(did: str, *, allow_http: bool = False) -> str:
    """Where a did:web's document is. Raises ValueError for anything but a plain host name, port and path.

    https, but for this machine itself where `allow_http` says so: a test's or a demo's services.
    """
    method, host, *segments = did.removeprefix("did:").split(":")
    if len(did) > _MAX_DID or not did.startswith("did:web:") or method != "web":
        raise ValueError("not a did:web")
    authority = _AUTHORITY.fullmatch(host)
    if authority is None:
        raise ValueError("a did:web names a host, in lower case, and perhaps a port after %3A")
    name, port = authority["name"], authority["port"]
    local = allow_http and name in _LOCAL
    if not local and ("." not in name or _is_address(name)):
        raise ValueError("a did:web names a public host")
    if port and int(port) > 65535:
        raise ValueError("there is no such port")
    for segment in segments:
        if _SEGMENT.fullmatch(segment) is None or set(segment) == {"."}:
            raise ValueError("a path segment is not plain")
    origin = f"{'http' if local else 'https'}://{name}{':' + port if port else ''}"
    return f"{origin}/{'/'.join(segments)}/did.json" if segments else f"{origin}/.well-known/did.json"


def controlled_url(identifier: str, *, allow_http: bool = False) -> str:
    """Where the document of an issuer that is named by its URL is: there (Controlled Identifiers 1.0, 2.1.1 and 3.1).

    The same limits as for a did:web. Raises ValueError for anything but a plain host name, port and path.
    """
    parts = urlsplit(identifier)
    if len(identifier) > _MAX_DID or parts.query or parts.fragment or "@" in parts.netloc or not parts.path:
        raise ValueError("an issuer's URL has a host and a path, and nothing else")
    segments = [segment for segment in parts.path.split("/")[1:] if segment]
    did = ":".join(["did:web", parts.netloc.replace(":", "%3A"), *segments])
    origin = urlsplit(did_web_url(did, allow_http=allow_http))
    if (origin.scheme, origin.netloc) != (parts.scheme, parts.netloc):
        raise ValueError("an issuer's URL is https, and written in lower case")
    return identifier


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rpartition(".")[2].isdigit()
    return True


def did_document(did: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """The document of `did` (DID Core 1.0, 5). `keys` are Multikeys by verification method id, all for assertion.

    A key that was retired belongs in it as long as what it signed is to be believed.
    """
    return {
        "@context": [DID_V1, MULTIKEY_V1],
        "id": did,
        "verificationMethod": [
            {"id": method, "type": "Multikey", "controller": did, "publicKeyMultibase": key}
            for method, key in keys.items()
        ],
        "assertionMethod": list(keys),
    }
