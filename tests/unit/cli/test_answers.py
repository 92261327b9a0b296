"""What the command makes of answers: problems, metrics, credentials in files."""

import pytest

from services.cli.client import explain, origin
from services.cli.output import UserError
from services.cli.status import read_metrics
from services.cli.supervisor import describe_exit
from services.cli.verify import parse, show


def test_a_problem_is_one_line_naming_the_fields() -> None:
    problem = {
        "title": "Invalid input",
        "detail": "Some fields are not usable.",
        "errors": [{"pointer": "#/recipient/email", "code": "invalid-email", "detail": "not an address"}],
    }
    assert explain(problem) == "Some fields are not usable. (#/recipient/email: not an address)"


def test_what_is_wrong_with_the_only_field_is_said_once() -> None:
    body = {"pointer": "#/credential", "code": "too-short", "detail": "must not be empty"}
    limit = {"parameter": "limit", "code": "invalid-limit", "detail": "must be 1 at least"}
    assert explain({"detail": "must not be empty", "errors": [body]}) == "#/credential: must not be empty"
    assert explain({"detail": "must be 1 at least", "errors": [limit]}) == "limit: must be 1 at least"
    assert explain({"detail": "2 fields are wrong", "errors": [body, limit]}) == (
        "2 fields are wrong (#/credential: must not be empty; limit: must be 1 at least)"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"title": "Gone"}, "Gone"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"error": "invalid_client", "error_description": "unknown"}, "unknown"),
        (None, "no explanation"),
        ([1], "no explanation"),
    ],
)
def test_other_answers_are_explained_as_far_as_they_go(body: object, text: str) -> None:
    assert explain(body) == text


def test_origin_leaves_path_and_query_out() -> None:
    assert origin("http://localhost:8001/v1/credentials?x=1") == "http://localhost:8001"


def test_metrics_are_summed_over_their_labels() -> None:
    text = (
        "# TYPE consumer_lag gauge\n"
        'consumer_lag{topic="a",partition="0"} 2.0\n'
        'consumer_lag{topic="a",partition="1"} 3.0\n'
        "# TYPE outbox_rows gauge\n"
        "outbox_rows 7.0\n"
    )
    assert read_metrics(text) == {"consumer_lag": 5.0, "outbox_rows": 7.0}
    assert read_metrics("<html>not metrics</html>") == {}


def test_a_credential_is_found_alone_or_in_an_answer_of_the_issuer() -> None:
    assert parse(b'{"@context": [], "type": []}', "f") == {"@context": [], "type": []}
    assert parse(b'{"id": "1", "credential": {"@context": []}}', "f") == {"@context": []}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [(b"{", "is not JSON"), (b"[]", "does not hold a JSON object"), (b" " * (1024 * 1024 + 1), "larger than 1 MiB")],
)
def test_what_holds_no_credential_is_unusable(raw: bytes, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as refused:
        parse(raw, "badge.json")
    assert refused.value.exit_code == 2


def test_a_verification_is_shown_check_by_check(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        {"check": "proof", "outcome": "pass", "detail": "eddsa-jcs-2022"},
        {"check": "status", "outcome": "fail", "detail": "revoked"},
    ]
    assert show({"verified": False, "verdict": "revoked-or-suspended", "checks": checks}) == 1
    assert show({"verified": True, "verdict": "valid", "checks": checks[:1]}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "check   outcome  detail",
        "proof   pass     eddsa-jcs-2022",
        "status  fail     revoked",
        "NOT verified: revoked-or-suspended",
    ]


def test_an_exit_is_described_in_words() -> None:
    assert describe_exit(1) == "exit code 1"
    assert describe_exit(-9) == "killed by SIGKILL"
