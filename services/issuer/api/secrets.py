"""Answers with a secret that is shown once, yet can be given again to a retried request.

The idempotency record keeps the whole answer for a day, so the secret stands sealed in it and is opened on the way out.
"""

import base64
from typing import Any

import orjson
from fastapi import Response

from services.issuer.commands.create_client import NewClient
from shared.credentials.sealing import Sealed, Sealer

_TABLE = "idempotency"


def sealed_client(new: NewClient, sealer: Sealer) -> dict[str, str]:
    """The `client` member of an answer, its secret sealed; `opened` shows it."""
    client_id = str(new.client.id)
    sealed = sealer.seal(new.secret.encode(), _TABLE, client_id)
    text = f"{sealed.kek_id}:{base64.b64encode(sealed.ciphertext).decode()}"
    return {"client_id": client_id, "client_secret": text}


def opened(response: Response, sealer: Sealer) -> Response:
    """The answer, fresh or replayed, with the client's secret in the clear."""
    body = orjson.loads(response.body)
    client: dict[str, Any] = body.get("client", body)
    kek_id, _, encoded = client["client_secret"].rpartition(":")
    sealed = Sealed(base64.b64decode(encoded), kek_id)
    client["client_secret"] = sealer.unseal(sealed, _TABLE, client["client_id"]).decode()
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(orjson.dumps(body), response.status_code, headers)
