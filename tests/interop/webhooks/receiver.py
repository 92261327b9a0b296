"""A platform whose server checks what arrives with the Python of docs/webhooks-checking.md, by the key in `x-key`.

It answers 204, or 400 with the reason of a refusal; 500 when the snippet failed in any other way.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import python
import python_library
import python_public_key
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

CHECKS = {"secret": python.check, "public-key": python_public_key.check, "library": python_library.check}
REFUSALS = (ValueError, WebhookVerificationError, EmptyWebhookSecretError)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status, said = 204, ""
        try:
            CHECKS[self.path.split("/")[1]](self.headers["x-key"], self.headers, body)
        except REFUSALS as refusal:
            status, said = 400, str(refusal)
        except Exception as crash:
            status, said = 500, repr(crash)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, format: str, *args: object) -> None:
        """The test says what it saw."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
