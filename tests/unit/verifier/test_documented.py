"""Every reason the verifier gives is explained in docs/verification.md, and nothing else is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAKERS = {"Reason": 0, "UnusableStatusList": 0, "warned": 1, "failed": 1, "undecided": 1, "_unknown": 1, "unusable": 1}
OF_THE_CORE = {"status-list-too-large", "invalid-signature"}


def given() -> set[str]:
    """Literal codes passed to whatever makes a reason, and the values of the tables of codes."""
    found = {"credential-revoked", "credential-suspended", "key-changed"}
    for path in (ROOT / "services" / "verifier").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                place = MAKERS[node.func.id]
                argument = node.args[place] if len(node.args) > place else None
                if isinstance(argument, ast.Constant):
                    found.add(argument.value)
    return found


def test_each_reason_is_explained() -> None:
    text = (ROOT / "docs" / "verification.md").read_text()
    row = r"^\| `([A-Za-z_-]+)` \| (?:any|proof|schema|issuer|validity|status|binding) \|"
    explained = set(re.findall(row, text, re.MULTILINE))
    assert given() >= {"unknown-key", "STATUS_RETRIEVAL_ERROR", "issuer-not-registered"}, (
        "the search finds what it should"
    )
    assert given() - explained == set()
    assert explained - given() - OF_THE_CORE == set()
