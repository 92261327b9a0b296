"""JSON as this product reads it: RFC 8259 without the ways two readers can disagree about one text.

Refused: duplicate keys, NaN and infinities, numbers that a double cannot hold, lone surrogates, U+0000, a byte order
mark, more than `MAX_DEPTH` levels or `MAX_NODES` values. The shape is judged before parsing: a bomb costs a scan.
"""

import json
import math
import re
from typing import Any, NoReturn

from shared.http.problems import BadRequest, FieldError, InvalidInput, InvalidJson

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_STRING = 64 * 1024
MAX_ARRAY = 10_000
MAX_INTEGER = 2**53 - 1  # I-JSON (RFC 7493, 2.2): beyond it, readers begin to round

_SHORT = 16 * 1024
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{][ \t\r\n]*+[\]}]|[\[\]{},"]', re.DOTALL)
# Every digit as 0, so that a number too large or too exact for a double is found without a pattern: ten times faster.
_AS_ZEROS = bytes.maketrans(b"123456789E", b"000000000e")
_SUSPECT_NUMBERS = (b"0e00", b"0e+00", b"0" * 16)
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_COLON = re.compile(r"[ \t\r\n]*+:")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*|-?[A-Za-z]+|[{}\[\],:]', re.DOTALL)


class InvalidCharacters(BadRequest, type="invalid-character"):
    """The body is not UTF-8."""


class DuplicateKey(BadRequest, type="duplicate-key"):
    """A key stands twice in one object, so two readers could see two documents."""


class InvalidNumber(BadRequest, type="invalid-number"):
    """A number that is none in JSON (NaN, infinities), or that readers would round or overflow."""


class TooDeep(BadRequest, type="too-deep"):
    """The body is nested deeper than 32 levels."""


class TooManyNodes(BadRequest, type="too-many-nodes"):
    """The body holds more than 10,000 values."""


class _BadNumber(ValueError):
    """Carries the number's text out of the parser, which does not say where it stood."""


class _TwoKeys(ValueError):
    """Carries the key out of the parser."""


def parse(data: bytes) -> Any:
    """Parse UTF-8 JSON. Raises BadRequest (400), or InvalidInput (422) for text no database or peer could hold."""
    if not data or data.isspace():
        raise InvalidJson("there is no body, and one is needed: a JSON object")
    if data.startswith(b"\xef\xbb\xbf"):
        raise InvalidJson("the body starts with a byte order mark, at line 1, column 1")
    _check_shape(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidCharacters(f"the body is not UTF-8 {_place(data[: error.start].decode())}") from None
    try:
        careful = len(text) > _SHORT or _has_suspect_number(data)
        value = (_CAREFUL if careful else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg}, at line {error.lineno}, column {error.colno}") from None
    except _BadNumber as error:
        where = _place(text[: _find(text, str(error))])
        raise InvalidNumber(f"the number {str(error)[:30]} cannot be read exactly {where}") from None
    except _TwoKeys as error:
        where = _place(text[: _second_key(text, str(error))])
        raise DuplicateKey(f"the key {str(error)[:100]!r} stands twice in one object {where}") from None
    if len(data) > MAX_STRING or _SUSPECT_ESCAPE.search(data):
        _check_texts(value, "#")
    return value


def _check_shape(data: bytes) -> None:
    """Depth and number of values, from the punctuation alone: linear, and before anything is built."""
    opens = data.count(b"[") + data.count(b"{")
    if opens <= MAX_DEPTH and opens + data.count(b",") < MAX_NODES:
        return
    depth, nodes = 0, 1
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first == 0x22:  # a string; one that never ends is left to the parser
            if match.end() - match.start() == 1:
                return
        elif first == 0x2C:
            nodes += 1
        elif first in b"[{":
            if match.end() - match.start() == 1:  # not an empty container
                depth += 1
                nodes += 1
        else:
            depth -= 1
        if depth > MAX_DEPTH:
            raise TooDeep(f"more than {MAX_DEPTH} levels {_place_of_byte(data, match.start())}")
        if nodes > MAX_NODES:
            raise TooManyNodes(f"more than {MAX_NODES} values {_place_of_byte(data, match.start())}")


def _has_suspect_number(data: bytes) -> bool:
    """Whether some number may be none that a double holds; digits inside a string only cost the slower decoder."""
    zeros = data.translate(_AS_ZEROS)
    return any(suspect in zeros for suspect in _SUSPECT_NUMBERS)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _TwoKeys(name)
            seen.add(name)
    return members


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _BadNumber(text)
    return value


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise _BadNumber(text)
    return int(text)


def _constant(text: str) -> NoReturn:
    raise _BadNumber(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)
# Calling back for every number costs more than the rest of the parse; a short text is searched for a big one instead.
_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_number, parse_int=_integer, parse_constant=_constant
)


def _find(text: str, number: str) -> int:
    """Where a number stands outside strings."""
    return next((match.start() for match in _LITERAL.finditer(text) if match[0] == number), 0)


def _second_key(text: str, key: str) -> int:
    """Where `key` stands for the second time in one object."""
    open_objects: list[set[str]] = []
    previous = ""
    for match in _LITERAL.finditer(text):
        piece = match[0]
        if piece in "{[":
            open_objects.append(set())
        elif piece in "}]":
            open_objects.pop()
        elif piece[0] == '"' and previous in ("{", ",") and _COLON.match(text, match.end()):
            name = json.loads(piece)
            if name == key and name in open_objects[-1]:
                return match.start()
            open_objects[-1].add(name)
        previous = piece
    return 0


def _place(before: str) -> str:
    """`at line 3, column 7`: the place after the text `before`."""
    return f"at line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _place_of_byte(data: bytes, offset: int) -> str:
    return _place(data[:offset].decode("utf-8", errors="replace"))


def _check_texts(value: Any, pointer: str) -> None:
    """Find text that is too long or that no database can hold; only run where the bytes make it possible."""
    if isinstance(value, str):
        if len(value) > MAX_STRING:
            _refuse(pointer, "too-long", f"has more than {MAX_STRING} characters")
        if _UNSTORABLE.search(value):
            _refuse(pointer, "invalid-character", "holds U+0000 or half of a surrogate pair")
    elif isinstance(value, list):
        if len(value) > MAX_ARRAY:
            _refuse(pointer, "too-long", f"has more than {MAX_ARRAY} elements")
        for index, item in enumerate(value):
            _check_texts(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_texts(name, pointer)
            _check_texts(item, f"{pointer}/{escape_pointer(name)}")


def _refuse(pointer: str, code: str, detail: str) -> NoReturn:
    raise InvalidInput(detail, errors=[FieldError(code, detail, pointer=pointer)])


def escape_pointer(part: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return part.replace("~", "~0").replace("/", "~1")
