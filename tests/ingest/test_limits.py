"""Cloud Scheduler's limits, against the words of the client library, which are those of the API's proto files."""

from __future__ import annotations

import re
from inspect import cleandoc

import pytest
from google.cloud.scheduler_v1.types import HttpMethod, HttpTarget, Job, ListJobsRequest, RetryConfig
from hypothesis import given
from hypothesis import strategies as st

from ingest import limits
from ingest.limits import DEFAULTS, Range


def documented(kind: type, field: str) -> str:
    """What the library says of a field, on one line."""
    # Python 3.13 takes the common indent off when it compiles.
    doc = cleandoc(str(kind.__doc__))
    (start,) = [match.end() for match in re.finditer(rf"^ {{4}}{field} \(", doc, re.MULTILINE)]
    text = re.split(r"^ {4}\S", doc[start:], maxsplit=1, flags=re.MULTILINE)[0]
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        (Job, "name", f"length is {limits.NAME_LIMIT} characters"),
        (Job, "description", f"not contain more than {limits.DESCRIPTION_LIMIT} characters"),
        (HttpTarget, "uri", f"length is {limits.URI_LIMIT} characters"),
        (
            Job,
            "attempt_deadline",
            f"[{limits.DEADLINE.low} seconds, {limits.DEADLINE.high // 60} minutes]",
        ),
        (RetryConfig, "retry_count", f"Values greater than {limits.RETRIES.high} and negative values are not allowed"),
        (RetryConfig, "retry_count", "default value of retry_count is zero"),
        (RetryConfig, "min_backoff_duration", f"default value of this field is {limits.BACKOFF.low} seconds"),
        (RetryConfig, "max_backoff_duration", f"default value of this field is {limits.BACKOFF.high // 3600} hour"),
        (RetryConfig, "max_retry_duration", "default value for max_retry_duration is zero"),
        (RetryConfig, "max_doublings", f"default value of this field is {DEFAULTS['max_doublings']}"),
        (HttpTarget, "body", "method is POST, PUT, or PATCH"),
        (ListJobsRequest, "page_size", f"maximum page size is {limits.PAGE_SIZE_LIMIT}"),
    ],
)
def test_a_limit_is_the_one_that_the_api_documents(kind: type, field: str, words: str) -> None:
    assert words in documented(kind, field)


def test_the_methods_are_the_apis_in_its_order() -> None:
    assert tuple(HttpMethod(number).name for number in range(1, 8)) == limits.METHODS
    assert set(limits.METHODS_WITH_BODY) < set(limits.METHODS)


def test_the_defaults_are_within_the_limits() -> None:
    assert int(str(DEFAULTS["attempt_deadline"]).removesuffix("s")) in limits.DEADLINE
    assert int(DEFAULTS["retry_count"]) in limits.RETRIES
    assert int(DEFAULTS["max_doublings"]) in limits.DOUBLINGS
    assert (DEFAULTS["min_backoff_duration"], DEFAULTS["max_backoff_duration"]) == (
        f"{limits.BACKOFF.low}s",
        f"{limits.BACKOFF.high}s",
    )


@pytest.mark.parametrize(
    ("name", "fits"), [("v2-sync_1", True), ("n" * 500, True), ("n" * 501, False), ("", False), ("a.b", False)]
)
def test_a_name_is_of_letters_digits_hyphens_and_underscores(name: str, fits: bool) -> None:
    assert bool(re.fullmatch(limits.NAME, name)) is fits


@given(low=st.integers(0, 100), length=st.integers(0, 100), value=st.integers(-10, 250))
def test_a_range_has_both_its_ends_and_what_is_between(low: int, length: int, value: int) -> None:
    assert (value in Range(low, low + length)) is (value in range(low, low + length + 1))


def test_a_range_in_words() -> None:
    assert (Range(15, 1800).text("s"), Range(0, 5).text()) == ("15s to 1800s", "0 to 5")
