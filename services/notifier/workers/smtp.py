"""Hands letters to a mail server over one connection, which is kept while there is something to send."""

import asyncio
import re
import ssl

import aiosmtplib
import structlog

from services.notifier.domain.mail import Parcel
from services.notifier.domain.mail_server import MailServer
from services.notifier.domain.posting import Reply, Stage

log = structlog.get_logger()

_CLOSING, _LOST = 421, "connection-lost"
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")


class SmtpPostman:
    """One connection at a time. `timeout` is for a whole letter, connecting included; `name` is what we greet with."""

    def __init__(self, server: MailServer, timeout: float, name: str, tls: ssl.SSLContext) -> None:
        self._server, self._timeout, self._name, self._tls = server, timeout, name, tls
        self._client: aiosmtplib.SMTP | None = None

    async def post(self, parcel: Parcel) -> Reply:
        """How far the parcel came. Nothing a server does, or fails to do, is an exception.

        Servers end connections that have carried enough; that costs the next letter nothing but a new connection.
        """
        kept = self._client is not None
        reply = await self._attempt(parcel)
        if kept and reply.stage == "sender" and (reply.code == _CLOSING or reply.error == _LOST):
            self.close()
            reply = await self._attempt(parcel)
        return reply

    async def _attempt(self, parcel: Parcel) -> Reply:
        stage: Stage = "connection"
        try:
            async with asyncio.timeout(self._timeout):
                client = await self._connected()
                if parcel.utf8 and not client.supports_extension("smtputf8"):
                    return Reply("message", 553, "5.6.7", "smtputf8-unsupported")
                stage = "sender"
                options = ["SMTPUTF8", "BODY=8BITMIME"] if parcel.utf8 else []
                await client.mail(parcel.sender, options=options, encoding="utf-8")
                stage = "recipient"
                await client.rcpt(parcel.recipient, encoding="utf-8")
                stage = "message"
                answer = await client.data(parcel.message)
        except aiosmtplib.SMTPResponseException as error:
            await self._start_over(stage)
            return Reply(stage, error.code, _status_of(error.message))
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            self.close()
            word = _word_of(error)
            log.warning("smtp.failed", host=self._server.host, stage=stage, error=word)
            return Reply(stage, error=word)
        return Reply("accepted", answer.code, _status_of(answer.message))

    def close(self) -> None:
        """Drop the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def rest(self) -> None:
        """There is nothing to send for a while: take leave of the server."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(2):
                await client.quit()
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        server = self._server
        client = self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            local_hostname=self._name,
            timeout=self._timeout,
            use_tls=server.tls,
            start_tls=server.starttls,
            tls_context=self._tls,
        )
        await client.connect()
        await client.ehlo()
        return client

    async def _start_over(self, stage: Stage) -> None:
        """After a refusal the next letter needs a clean start: a reset, or where none is possible a new connection."""
        client = self._client
        if stage == "connection" or client is None:
            self.close()
            return
        try:
            async with asyncio.timeout(5):
                await client.rset()
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            self.close()


def _status_of(message: str) -> str | None:
    """The enhanced status (RFC 2034) at the beginning of an answer, whose words may hold an address."""
    found = _ENHANCED.match(message.lstrip())
    return found[1] if found else None


def _word_of(error: Exception) -> str:
    if isinstance(error, TimeoutError):  # aiosmtplib's own, too
        return "timeout"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "tls-failed"
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return _LOST
    return "connection-failed"
