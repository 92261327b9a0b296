"""Evaluate a JSON Schema: pure, and not to be trusted with time or memory.

A few hundred bytes of schema can ask for more work than there is time (references that fan out) and for endless
recursion, so this runs in a process of its own (commands/schema_process.py). Regular expressions alone are harmless:
their engine takes linear time, at the price of look-around and back references, whose schemas cannot be used here.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import orjson
from jsonschema_rs import ReferencingError, RegexOptions, ValidationError, ValidationErrorKind

from services.verifier.domain.evaluation import Evaluation, unusable

# The specifications that VC JSON Schema names, by `$schema`; many write an empty fragment behind it.
_DRAFTS: Mapping[str, type[jsonschema_rs.Validator]] = {
    "https://json-schema.org/draft/2020-12/schema": jsonschema_rs.Draft202012Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
}
# What the library calls errors of a document, and are none.
_NO_VIOLATIONS = (
    ValidationErrorKind.Referencing,
    ValidationErrorKind.RegexEngineFailure,
    ValidationErrorKind.BacktrackLimitExceeded,
)


def evaluate(schema: bytes, document: bytes) -> Evaluation:
    """Whether a document conforms to a schema, both as JSON. No reference leads out of the schema.

    Formats are asserted, as in the examples of VC JSON Schema. May take any time and any memory.
    """
    parsed = _read(schema)
    if isinstance(parsed, Evaluation):
        return parsed
    version = parsed.get("$schema")
    if version is None:
        return unusable("it does not say by $schema which JSON Schema it is")
    draft = _DRAFTS.get(version.removesuffix("#")) if isinstance(version, str) else None
    if draft is None:
        return unusable("its version of JSON Schema is not understood here", "schema-version-unsupported")
    try:
        validator = draft(parsed, validate_formats=True, pattern_options=RegexOptions(), offline=True)
    except (ValueError, ReferencingError) as error:
        return unusable(_why(error))
    try:
        validator.validate(orjson.loads(document))
    except ValidationError as error:
        return unusable(_why(error)) if isinstance(error.kind, _NO_VIOLATIONS) else _violation(error)
    except ValueError:
        return unusable("the credential is nested too deeply for it")
    return Evaluation("success")


def _read(schema: bytes) -> dict[str, Any] | Evaluation:
    try:
        parsed = orjson.loads(schema)
    except orjson.JSONDecodeError:
        return unusable("it is not JSON")
    return parsed if isinstance(parsed, dict) else unusable("it is not a JSON object")


def _why(error: Exception) -> str:
    is_reference = isinstance(getattr(error, "kind", None), ValidationErrorKind.Referencing)
    if is_reference or isinstance(error, ReferencingError):
        return "it refers to what is not in it, and that is not fetched"
    return "it is no valid JSON Schema, or asks for what is not understood here"


def _violation(error: ValidationError) -> Evaluation:
    path = list(error.instance_path)
    if isinstance(error.kind, ValidationErrorKind.Required):
        path.append(error.kind.property)  # what is missing is named by where it would stand
    return Evaluation("failure", tuple(path), error.kind.name)
