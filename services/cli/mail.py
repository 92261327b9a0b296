"""`laurel mail`: the letters that an installation without a mail server wrote into its folder."""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from services.cli.output import UserError, say, table


@dataclass(frozen=True, slots=True)
class Letter:
    """One file, and what it holds."""

    path: Path
    message: EmailMessage

    def header(self, name: str) -> str:
        """A header's text; empty without one."""
        return str(self.message[name] or "")

    @property
    def text(self) -> str:
        """The plain body."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part is not None else ""


def run(folder: Path, number: int | None) -> int:
    """List the letters, newest first, or show one by its number in the list. Raises UserError."""
    found = letters_in(folder)
    if number is None:
        rows = [
            (place, one.header("Date"), one.header("To"), one.header("Subject")) for place, one in enumerate(found, 1)
        ]
        table(("letter", "written", "to", "subject"), rows)
        say(f"{len(found)} letters in {folder}; laurel mail NUMBER shows one")
        return 0
    if not 1 <= number <= len(found):
        raise UserError(f"there is no letter {number}: {folder} holds {len(found)}")
    show(found[number - 1])
    return 0


def letters_in(folder: Path) -> list[Letter]:
    """Newest first; none where the folder is not there yet."""
    files = sorted(folder.glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
    return [Letter(file, _read(file)) for file in files]


def show(letter: Letter) -> None:
    """The headers people look at, and the plain body."""
    for name in ("Date", "From", "To", "Reply-To", "Subject", "List-Unsubscribe"):
        if letter.header(name):
            say(f"{name}: {letter.header(name)}")
    say(f"\n{letter.text.replace(chr(13), '')}")
    say(f"whole, with its HTML: {letter.path}")


def _read(file: Path) -> EmailMessage:
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)  # what this policy makes
    return message
