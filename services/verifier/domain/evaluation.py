"""What evaluating a JSON Schema says of a document (VC JSON Schema, "Evaluation")."""

from dataclasses import dataclass
from typing import Literal

Conformity = Literal["success", "failure", "indeterminate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`path` leads to the first place that does not conform, `keyword` is the schema's word that it does not meet.

    Where nothing can be said, `code` and `detail` are a reason.
    """

    outcome: Conformity
    path: tuple[str | int, ...] = ()
    keyword: str = ""
    code: str = ""
    detail: str = ""


def unusable(detail: str, code: str = "schema-unusable") -> Evaluation:
    """What cannot be evaluated."""
    return Evaluation("indeterminate", code=code, detail=detail)
