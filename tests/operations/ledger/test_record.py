"""verify finds every change, and says what it cannot see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from operations.ledger.record import canonical, examine, hash_of
from tests.given.ledger import DEPLOY, Repository, add, story

LINES = 7
ANY_CHARACTER = st.characters(exclude_categories=["Cs"])


def problems(content: bytes) -> list[str]:
    return examine(content)[1]


def lines_of(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def test_an_intact_ledger_has_no_problems(told: bytes) -> None:
    records, found = examine(told)

    assert (len(records), found) == (LINES, [])


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 10_000), ANY_CHARACTER)
@example(-1, " ")
@example(-1, "\r")
def test_any_changed_character_is_found(told: bytes, place: int, character: str) -> None:
    text = told.decode()
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]

    assert bool(problems(changed.encode())) is (changed != text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000))
@example(-1)
def test_any_deleted_character_is_found(told: bytes, place: int) -> None:
    text = told.decode()
    place %= len(text)

    assert problems((text[:place] + text[place + 1 :]).encode())


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 10_000), ANY_CHARACTER)
@example(0, "\ufeff")
@example(0, "\n")
@example(10_000, "\n")
def test_any_inserted_character_is_found(told: bytes, place: int, character: str) -> None:
    text = told.decode()
    place %= len(text) + 1

    assert problems((text[:place] + character + text[place:]).encode())


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_any_changed_byte_is_found(told: bytes, place: int) -> None:
    place %= len(told)

    assert problems(told[:place] + bytes([told[place] ^ 0x80]) + told[place + 1 :])


@pytest.mark.parametrize("number", range(LINES - 1))
def test_any_deleted_line_but_the_last_is_found(number: int, told: bytes) -> None:
    lines = lines_of(told)
    del lines[number]

    assert problems(b"".join(lines)) == [
        f"line {number + 1} has seq {number + 2}: seq {number + 1} is missing before it"
    ]


def test_the_deletion_of_the_last_line_cannot_be_seen_in_the_file_alone(told: bytes) -> None:
    assert problems(b"".join(lines_of(told)[:-1])) == []


@settings(deadline=None)
@given(st.integers(0, LINES - 1), st.integers(0, LINES))
def test_any_copied_line_is_found(told: bytes, number: int, to: int) -> None:
    lines = lines_of(told)
    lines.insert(to, lines[number])

    found = problems(b"".join(lines))
    assert len([text for text in found if "a copy, or branches were merged" in text]) == 1


@settings(deadline=None)
@given(st.permutations(range(LINES)))
def test_any_other_order_is_found(told: bytes, order: list[int]) -> None:
    lines = lines_of(told)
    found = problems(b"".join(lines[number] for number in order))

    assert bool(found) is (order != list(range(LINES)))
    assert all("out of order" in text for text in found)


def test_both_of_two_lines_that_changed_places_are_named(told: bytes) -> None:
    lines = lines_of(told)
    lines[1], lines[2] = lines[2], lines[1]

    assert problems(b"".join(lines)) == [
        "line 2 is out of order: seq 3 comes before seq 2, which is in line 3",
        "line 3 is out of order: seq 2 comes after seq 3",
    ]


@settings(deadline=None)
@given(st.sets(st.integers(0, LINES - 1)))
def test_any_lines_taken_out_are_found_but_for_those_at_the_end(told: bytes, gone: set[int]) -> None:
    kept = [number for number in range(LINES) if number not in gone]

    found = problems(b"".join(lines_of(told)[number] for number in kept))
    assert bool(found) is (kept != list(range(len(kept))))
    assert all("missing before it" in text for text in found)


def test_each_problem_names_its_line(told: bytes) -> None:
    lines = lines_of(told)
    lines[1] = lines[1].replace(b"phased", b"phasEd")
    lines[3] = b"nonsense\n"
    del lines[5]
    found = problems(b"".join(lines) + b'{"at"')

    assert [text.partition(":")[0] for text in found] == [
        "line 2 was changed",
        "line 4 is not JSON (Expecting value",
        "line 6 has seq 7",
        "line 7 is torn",
    ]


def resealed(line: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The line of a forger who knows how hashes are made."""
    content = json.loads(line)
    change(content)
    return canonical(content | {"hash": hash_of(content)}) + b"\n"


def test_a_changed_line_with_a_hash_that_fits_is_found_by_the_next_one(told: bytes) -> None:
    lines = lines_of(told)
    lines[3] = resealed(lines[3], lambda content: content["data"].update(verdict="pass"))

    assert problems(b"".join(lines)) == ["line 5 does not follow line 4: it was written after another line"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"note": 1}, "has the unknown key note"),
        ({"seq": "1"}, "has str for seq instead of int"),
        ({"seq": 0}, "is out of order: seq 0 comes after seq 0"),
        ({"seq": True}, "has bool for seq instead of int"),
        ({"kind": "party"}, "has the unknown kind 'party'"),
        ({"at": "yesterday"}, "has 'yesterday' for at, which is not an ISO 8601 time in UTC"),
        ({"at": "2026-10-21T04:00:00"}, "which is not an ISO 8601 time in UTC"),
        ({"at": "2026-10-20T21:00:00-07:00"}, "which is not an ISO 8601 time in UTC"),
        ({"data": {}}, "lacks the key data.baseline_hash"),
        ({"previous": "1" * 64}, "does not follow the ledger's start"),
    ],
)
def test_a_line_that_append_would_not_write_is_found_whatever_its_hash(
    change: dict[str, Any], message: str, told: bytes
) -> None:
    line = resealed(lines_of(told)[0], lambda content: content.update(change))

    (found,) = problems(line)
    assert found.startswith("line 1 ")
    assert message in found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[]", "line 1 has list for the line instead of dict"),
        (b"", "line 1 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON of ours: it is nested too deeply"),
        (b"9" * 5000, "line 1 is not JSON"),
        (b"\xff", "line 1 is not JSON"),
        (b"<<<<<<< HEAD", "line 1 is the mark of a merge conflict; keep the side that was pushed first"),
    ],
)
def test_a_hostile_line_is_one_problem(line: bytes, message: str) -> None:
    (found,) = problems(line + b"\n")
    assert found.startswith(message)


def test_spaces_and_windows_line_ends_are_found(told: bytes) -> None:
    first = lines_of(told)[0]

    for changed in (b" " + first, first.replace(b",", b", "), first.replace(b"\n", b"\r\n")):
        assert problems(changed) == [
            "line 1 was rewritten: spaces, the order of keys or the line end are not the ledger's"
        ]


def test_two_merged_branches_are_found(tmp_path: Path, told: bytes) -> None:
    other = Ledger(tmp_path / "ledger.jsonl")
    other.path.write_bytes(b"".join(lines_of(told)[:-1]))
    add(other, "deploy", DEPLOY, night=2)

    merged = told + lines_of(other.path.read_bytes())[-1]
    assert problems(merged) == ["line 8 has the seq of line 7, 7: a copy, or branches were merged"]


def test_what_is_committed_and_longer_since_then_is_intact(repository: Repository, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    repository.commit()
    add(ledger, "deploy", DEPLOY)

    found = ledger.check()
    assert (found.records, found.problems, found.inconclusive, found.note) == (2, [], None, None)


def test_lines_cut_off_at_the_end_are_found_by_what_is_committed(repository: Repository, ledger: Ledger) -> None:
    story(ledger.path)
    repository.commit()
    ledger.path.write_bytes(b"".join(lines_of(ledger.path.read_bytes())[:-2]))

    assert ledger.check().problems == [
        "line 6 and what follows is missing: git has 7 lines in HEAD; "
        "get them back with `git restore history/ledger.jsonl`"
    ]


def test_an_end_that_was_cut_off_and_written_anew_is_found(repository: Repository, ledger: Ledger) -> None:
    story(ledger.path)
    repository.commit()
    ledger.path.write_bytes(b"".join(lines_of(ledger.path.read_bytes())[:-2]))
    add(ledger, "adopt", {"baseline_hash": ""})
    add(ledger, "adopt", {"baseline_hash": ""})
    add(ledger, "adopt", {"baseline_hash": ""})

    assert ledger.check().problems == [
        "line 6 is not what is committed; compare with `git diff HEAD -- history/ledger.jsonl`"
    ]


@pytest.mark.parametrize("with_folder", [False, True])
def test_a_ledger_that_is_gone_is_found(with_folder: bool, repository: Repository, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    repository.commit()
    ledger.path.unlink()
    if with_folder:
        Path(f"{ledger.path}.lock").unlink(missing_ok=True)
        ledger.path.parent.rmdir()

    (found,) = ledger.check().problems
    assert found.startswith("line 1 and what follows is missing")


@pytest.mark.parametrize("commits", [False, True])
def test_a_ledger_that_was_never_committed_is_intact_with_a_note(
    commits: bool, repository: Repository, ledger: Ledger
) -> None:
    if commits:
        repository.git("commit", "--quiet", "--allow-empty", "-m", "Begin")
    add(ledger, "deploy", DEPLOY)

    found = ledger.check()
    assert (found.problems, found.inconclusive) == ([], None)
    assert found.note == "not committed yet: until it is, lines cut off at the end cannot be seen"


def test_outside_a_checkout_the_end_is_inconclusive(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)

    found = ledger.check()
    assert found.problems == []
    assert found.inconclusive is not None
    assert "cannot be seen without git: fatal: not a git repository" in found.inconclusive


def test_without_git_the_end_is_inconclusive_and_the_rest_is_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(ledger, "deploy", DEPLOY)
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"done", b"failed"))
    monkeypatch.setenv("PATH", "/nowhere")

    found = ledger.check()
    assert found.problems == ["line 1 was changed: its hash does not fit its content"]
    assert found.inconclusive is not None
    assert "git cannot be run" in found.inconclusive


def test_a_link_in_the_ledgers_place_that_leads_nowhere_is_a_plain_error(ledger: Ledger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.symlink_to(ledger.path)

    with pytest.raises(OperationError, match="cannot be read"):
        ledger.check()
