"""The directory of one embedded installation: its lock, its secrets and where its logs go."""

import base64
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from services.cli.output import UserError

LOCK_WAIT_SECONDS = 25.0  # what the guardian of a killed `laurel up` may take to end everything


def mail_folder(directory: Path) -> Path:
    """Where an installation in `directory` writes letters: LAUREL_MAIL_DIR, or `mail`."""
    return Path(os.environ.get("LAUREL_MAIL_DIR") or directory / "mail").absolute()


class DataDirectory:
    """An open and locked data directory; leaving the context releases the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock_descriptor = -1

    def __enter__(self) -> Self:
        """Create the directory where needed and lock it. Raises UserError when another `laurel up` uses it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "logs").mkdir(exist_ok=True)
            self.lock_descriptor = os.open(self.path / "laurel.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UserError(f"cannot use {self.path} as the data directory: {error.strerror}") from error
        self._lock()
        os.truncate(self.lock_descriptor, 0)
        os.pwrite(self.lock_descriptor, str(os.getpid()).encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock_descriptor)

    def _lock(self) -> None:
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(self.lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
            else:
                return
            holder = os.pread(self.lock_descriptor, 20, 0).decode() or "unknown"
            # The lock outlives a killed holder while its guardian still ends the services.
            if _is_running(holder) or time.monotonic() > deadline:
                os.close(self.lock_descriptor)
                raise UserError(
                    f"{self.path} is in use by another `laurel up` (process {holder}); "
                    "stop that one, or choose another directory with --data"
                )
            time.sleep(0.1)

    def operator_token(self) -> str:
        """LAUREL_OPERATOR_TOKEN, or the token in `operator.token`, made at the first start."""
        return self._secret("LAUREL_OPERATOR_TOKEN", "operator.token", lambda: secrets.token_urlsafe(32))

    def kek(self) -> str:
        """LAUREL_KEK, or the key-encryption key in `kek`, made at the first start."""
        return self._secret("LAUREL_KEK", "kek", _new_key)

    def recipient_key(self) -> str:
        """LAUREL_RECIPIENT_KEY, or the key in `recipient_key`, made at the first start."""
        return self._secret("LAUREL_RECIPIENT_KEY", "recipient_key", _new_key)

    def database_password(self) -> str:
        """The password of the services' database logins, in `database.password`, made at the first start."""
        return self._secret("", "database.password", lambda: secrets.token_urlsafe(24))

    def log(self, service: str) -> Path:
        """Where a service's output goes."""
        return self.path / "logs" / f"{service}.log"

    def _secret(self, variable: str, name: str, make: Callable[[], str]) -> str:
        if given := os.environ.get(variable):
            return given
        path = self.path / name
        if not path.exists():
            fresh = path.with_name(f".{name}.new")
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(make() + "\n")
            fresh.rename(path)  # never half a secret, whatever happens meanwhile
        return path.read_text().strip()


def _new_key() -> str:
    return f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
