"""The disclosures of an SD-JWT and how they are put in place (RFC 9901, 4.2 and 7.1)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.credentials.jwk import decode_base64url, encode_base64url
from shared.credentials.jws import MAX_DEPTH, read_json_object
from shared.credentials.pointers import escape
from shared.credentials.proof_error import ProofError

_OWN_NAMES = ("_sd", "...")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A part that is shown: of an object under its name, of an array without one."""

    text: str
    name: str | None
    value: Any

    @property
    def digest(self) -> str:
        """What stands in the token for it."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """The base64url of the SHA-256 of a text in ASCII."""
    return encode_base64url(hashlib.sha256(text.encode()).digest())


def read_disclosure(text: str) -> Disclosure:
    """Read a disclosure (4.2.1, 4.2.2). Raises ProofError `malformed-disclosure`."""
    try:
        raw = decode_base64url(text)
        # As a member of an object, so that the same strict reader judges it.
        parts = read_json_object(b'{"parts":' + raw + b"}")["parts"]
    except (ValueError, ProofError, KeyError):
        parts = None
    if not isinstance(parts, list) or len(parts) not in (2, 3) or not isinstance(parts[0], str):
        raise ProofError("malformed-disclosure", "a disclosure is a list of a salt, perhaps a name, and a value")
    if len(parts) == 2:
        return Disclosure(text, None, parts[1])
    name = parts[1]
    if not isinstance(name, str) or name in _OWN_NAMES:
        raise ProofError("malformed-disclosure", "a disclosure has a name that is not the format's own")
    return Disclosure(text, name, parts[2])


def reveal(
    claims: Mapping[str, Any], disclosures: Sequence[Disclosure], places: dict[str, Disclosure] | None = None
) -> dict[str, Any]:
    """The claims with every disclosure in place, and no digest left (7.1, step 3).

    `places` is filled with where each stands, by JSON pointer. Raises ProofError for a disclosure that belongs nowhere
    or twice, a digest that is there twice, a name that is there already, and what becomes deeper than any token may be.
    """
    work = _Revealing({one.digest: one for one in disclosures}, {} if places is None else places)
    if len(work.by_digest) != len(disclosures):
        raise ProofError("malformed-disclosure", "a disclosure is there twice")
    made: dict[str, Any] = work.of({name: value for name, value in claims.items() if name != "_sd_alg"}, "", MAX_DEPTH)
    if len(work.places) != len(disclosures):
        raise ProofError("malformed-disclosure", "a disclosure does not belong to the token")
    return made


class _Revealing:
    """One pass over the claims."""

    def __init__(self, by_digest: Mapping[str, Disclosure], places: dict[str, Disclosure]) -> None:
        self.by_digest, self.places = by_digest, places
        self._seen: set[str] = set()

    def of(self, value: Any, where: str, depth: int) -> Any:
        if not isinstance(value, Mapping | list):
            return value
        if depth == 0:
            raise ProofError("malformed-disclosure", f"with its disclosures the token has more than {MAX_DEPTH} levels")
        return self._object(value, where, depth) if isinstance(value, Mapping) else self._array(value, where, depth)

    def _object(self, value: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
        if "..." in value:
            raise ProofError("malformed-disclosure", "a digest of an array's element stands elsewhere")
        shown = {name: item for name, item in value.items() if name != "_sd"}
        made = {name: self.of(item, f"{where}/{escape(name)}", depth - 1) for name, item in shown.items()}
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise ProofError("malformed-disclosure", "_sd is a list of digests")
        for digest in digests:
            found = self._take(digest)
            if found is None:
                continue
            if found.name is None or found.name in made:
                raise ProofError("malformed-disclosure", "a disclosure has no name, or one that is there already")
            place = f"{where}/{escape(found.name)}"
            self.places[place] = found
            made[found.name] = self.of(found.value, place, depth - 1)
        return made

    def _array(self, value: list[Any], where: str, depth: int) -> list[Any]:
        made: list[Any] = []
        for item in value:
            place = f"{where}/{len(made)}"
            if not isinstance(item, Mapping) or item.keys() != {"..."}:
                made.append(self.of(item, place, depth - 1))
                continue
            found = self._take(item["..."])
            if found is not None:
                if found.name is not None:
                    raise ProofError("malformed-disclosure", "a disclosure of an array's element has a name")
                self.places[place] = found
                made.append(self.of(found.value, place, depth - 1))
        return made

    def _take(self, digest: Any) -> Disclosure | None:
        if not isinstance(digest, str) or digest in self._seen:
            raise ProofError("malformed-disclosure", "a digest is no text, or is there twice")
        self._seen.add(digest)
        return self.by_digest.get(digest)
