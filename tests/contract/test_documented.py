"""What exists is documented, and what is documented exists: settings, metrics, problem codes."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from shared.http.settings import ServiceSettings
from shared.http.validation import FIELD_CODES
from shared.telemetry import metrics

ROOT = Path(__file__).parents[2]
SERVICES = ("issuer", "registry", "verifier", "notifier")
SOURCES = sorted(
    path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py") if "cli" not in path.parts
)


def rows(name: str) -> dict[str, list[str]]:
    """The rows of a document's tables, by what their first cell holds in backticks."""
    text = (ROOT / "docs" / name).read_text()
    lines = [re.split(r"(?<!\\)\|", line.strip("|")) for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


def settings() -> Iterator[tuple[str, str, str]]:
    """(variable, who reads it, default) of every setting."""
    for service in SERVICES:
        for name, field in importlib.import_module(f"services.{service}.settings").Settings.model_fields.items():
            default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
            shown = "required" if default is PydanticUndefined else f"`{default}`" if default else "none"
            common = name in ServiceSettings.model_fields
            yield f"LAUREL_{name.upper()}", "every service" if common else service, shown


@pytest.mark.parametrize(("variable", "reader", "default"), sorted(set(settings())))
def test_a_setting_is_documented(variable: str, reader: str, default: str) -> None:
    row = rows("settings.md")[variable]
    assert reader in row[0]
    if variable != "LAUREL_PORT":
        assert row[1] == default


def test_no_setting_is_documented_that_nobody_reads() -> None:
    assert rows("settings.md").keys() == {variable for variable, _, _ in settings()}


def test_every_variable_that_is_named_anywhere_is_documented() -> None:
    text = "".join((ROOT / "docs" / name).read_text() for name in ("settings.md", "operations.md"))
    places = [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py"), ROOT / "docker-compose.yml"]
    named = {name for path in places for name in re.findall(r"\bLAUREL_[A-Z_]*[A-Z]\b", path.read_text())}
    assert not {name for name in named if f"`{name}`" not in text}


def test_every_metric_is_documented_with_its_labels() -> None:
    documented = {
        name: (row[1], row[2]) for name, row in rows("metrics.md").items() if len(row) == 3 and row[0] in KINDS
    }
    existing = {}
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            name = f"{family.name}_total" if isinstance(metric, Counter) else family.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "–"
            existing[name] = (labels, family.documentation)
    assert documented == existing


KINDS = {"counter", "gauge", "histogram"}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Problem types, and the codes given to problems and field errors, in one file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (_text(keyword.value) for keyword in node.keywords if keyword.arg == "type")
            yield from _class_attribute(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from (_text(keyword.value) for keyword in node.keywords if keyword.arg == "code")
            place = {"FieldError": 0, "Fault": 1, "PydanticCustomError": 0, "UrlRefused": 0}.get(node.func.id)
            if place is not None and len(node.args) > place:
                yield _text(node.args[place])


def _class_attribute(node: ast.ClassDef) -> Iterator[str]:
    """`code = "…"` of the exceptions that rules raise."""
    for line in node.body:
        if isinstance(line, ast.Assign) and [ast.unparse(target) for target in line.targets] == ["code"]:
            yield _text(line.value)


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


# Pydantic's own words, which become codes of ours; and bases nobody raises.
NO_CODES = {"string-type", "refused", "invalid", ""}
# Outcomes of requests we send, which are no answers of ours.
OUTGOING = {"shared/http/outbound.py"}


def codes() -> set[str]:
    """Every code that an answer may carry."""
    found = set(FIELD_CODES)
    for path in SOURCES:
        if str(path.relative_to(ROOT)) not in OUTGOING:
            found |= {code.replace("_", "-") for code in codes_in(ast.parse(path.read_text()))}
    return {code for code in found if not code.startswith("org.laurel.")} - NO_CODES


@pytest.mark.parametrize("code", sorted(codes()))
def test_a_problem_is_documented(code: str) -> None:
    assert code in rows("problems.md")


def test_no_problem_is_documented_that_nobody_raises() -> None:
    assert rows("problems.md").keys() == codes()


def test_the_meaning_of_a_field_code_is_the_documented_one() -> None:
    documented = rows("problems.md")
    for code, meaning in FIELD_CODES.items():
        if code not in ("invalid-character", "invalid-date"):
            assert documented[code][-1] == meaning, code
