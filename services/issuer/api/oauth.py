"""Access tokens: the token endpoint (RFC 6749, 4.4), its key set (RFC 7517) and its description (RFC 8414)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from services.issuer.api.context import Here
from services.issuer.commands.grant_token import TokenRefused
from services.issuer.domain.scopes import SCOPES
from shared.http.app import router

TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
routes = router("oauth")
_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FIELDS = {
    "grant_type": {"type": "string", "enum": ["client_credentials"]},
    "scope": {"type": "string", "description": "Scopes separated by spaces; all of the client's unless given."},
    "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
    "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
}
_FORM = {"type": "object", "required": ["grant_type"], "properties": _FIELDS}
_REQUEST = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}}


class TokenAnswer(BaseModel):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(BaseModel):
    """RFC 6749, 5.2."""

    error: str
    error_description: str


@routes.post(
    TOKEN_PATH,
    response_model=TokenAnswer,
    responses={400: {"model": OAuthError}, 401: {"model": OAuthError}},
    openapi_extra=_REQUEST,
)
async def token(request: Request, here: Here) -> Response:
    """Trade client credentials for an access token that all four services take."""
    try:
        form = _form(await request.body())
        client_id, secret = _credentials(request.headers.get("authorization"), form)
        if form.get("grant_type") is None:
            raise TokenRefused("invalid_request", "grant_type is missing.")
        if form["grant_type"] != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "Only client_credentials is supported.")
        granted = await here.tokens.grant(client_id, secret, form.get("scope"))
    except TokenRefused as refused:
        return _refusal(refused)
    body = {
        "access_token": granted.access_token,
        "token_type": "Bearer",
        "expires_in": granted.expires_in,
        "scope": granted.scope,
    }
    return Response(orjson.dumps(body), 200, _UNCACHED, media_type="application/json")


@routes.get("/.well-known/jwks.json")
async def key_set(response: Response, here: Here) -> dict[str, Any]:
    """The public keys that access tokens are checked against."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return await here.token_keys.document()


@routes.get("/.well-known/oauth-authorization-server")
async def description(response: Response, here: Here) -> dict[str, Any]:
    """What this authorization server can do (RFC 8414, 2)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    issuer = here.addresses.issuer
    return {
        "issuer": here.tokens.issuer,
        "token_endpoint": f"{issuer}{TOKEN_PATH}",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def _form(body: bytes) -> dict[str, str]:
    """The form's fields. Raises TokenRefused when one stands twice (RFC 6749, 3.2) or the text is not UTF-8."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise TokenRefused("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefused("invalid_request", "A field stands twice.")
    return form


def _credentials(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret from the header (RFC 6749, 2.3.1) or from the form, never both. Raises TokenRefused."""
    posted = "client_secret" in form
    if authorization is None:
        if not posted or not form.get("client_id"):
            raise TokenRefused("invalid_client", "The request names no client, or no secret.")
        return form["client_id"], form["client_secret"]
    if posted:
        raise TokenRefused("invalid_request", "The client authenticates in two ways at once.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise TokenRefused("invalid_client", "Use HTTP Basic, or send the secret in the form.")
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal(refused: TokenRefused) -> Response:
    body = {"error": refused.error, "error_description": refused.description}
    headers = dict(_UNCACHED)
    status = 400
    if refused.error == "invalid_client":
        status = 401
        headers["WWW-Authenticate"] = 'Basic realm="laurel"'
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
