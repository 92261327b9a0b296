"""Reading the file `laurel issue --csv` is given, and the keys its rows are issued under."""

from pathlib import Path

import pytest

from services.cli.issue import Learner, check, idempotency_key, read_csv
from services.cli.output import UserError


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "learners.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_become_learners(tmp_path: Path) -> None:
    path = written(tmp_path, 'name,email,did\n"Noor, Ada",ada@example.com,\nBo , ,did:key:z6Mk\n')
    assert read_csv(path) == [
        Learner(email="ada@example.com", name="Noor, Ada"),
        Learner(did="did:key:z6Mk", name="Bo"),
    ]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path, b"\xef\xbb\xbfemail\na@example.com\n")) == [Learner(email="a@example.com")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "first row must name columns"),
        ("email\n", "has no rows"),
        ("mail\na@example.com\n", "first row must name columns"),
        ("email,email\na@example.com,b@example.com\n", "first row must name columns"),
        ("email,name\na@example.com\n", "line 2: 2 columns expected"),
        ("email,name\na@example.com,A,B\n", "line 2: 2 columns expected"),
        ("email,name\na@example.com,A\na@example.com,A\n", "line 3: the same as line 2"),
        ("email,name\n,A\n", "line 2: give an email or a did$"),
        ("email,did\na@example.com,did:key:z\n", "line 2: give an email or a did, not both"),
        ('email\n"a@example.com\n', "is not CSV"),
        ("email\nä@example.com\n".encode("latin-1"), "is not UTF-8"),
        ("email\na@example.com\n".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_an_unusable_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as refused:
        read_csv(written(tmp_path, content))
    assert refused.value.exit_code == 2
    assert "learners.csv" in str(refused.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*: No such file"):
        read_csv(tmp_path / "none.csv")


def test_a_row_has_the_same_key_each_time_and_no_other_row_has_it() -> None:
    ada = Learner(email="ada@example.com", name="Ada")
    keys = {
        idempotency_key(achievement, learner)
        for achievement in ("a1", "a2")
        for learner in (ada, Learner(email="ada@example.com"), Learner(did="ada@example.com", name="Ada"))
    }
    assert len(keys) == 6
    assert idempotency_key("a1", ada) == idempotency_key("a1", Learner(email="ada@example.com", name="Ada"))
    assert all(len(key) <= 255 and key.isascii() and key.isprintable() for key in keys)


def test_a_learner_of_a_file_is_named_with_the_line(tmp_path: Path) -> None:
    read = read_csv(written(tmp_path, 'name,email,did\n"Ada\nNoor",ada@example.com,\n,,did:key:z6Mk\n'))
    assert [str(learner) for learner in read] == ["line 3, ada@example.com", "line 4, did:key:z6Mk"]
    assert str(Learner(email="ada@example.com")) == "ada@example.com"


def test_the_example_file_has_a_hundred_learners() -> None:
    learners = read_csv(Path("examples/learners.csv"))
    assert len(learners) == 100
    assert all((learner.email or "").rpartition("@")[2].startswith("example.") for learner in learners)


def test_one_learner_needs_an_address_and_only_one() -> None:
    with pytest.raises(UserError, match=r"the learner: give an email or a did$"):
        check(Learner(name="Ada"), "the learner")
