"""Requests that schemathesis makes of the OpenAPI document, and its verdict on the answers."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from edgecls.web.openapi import document
from tests.household import AT, FakeHousehold, past_visits
from tests.page import access_for, app_of

URL = "http://127.0.0.1:8080"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def try_document(*, cases: int, derandomize: bool) -> Counter[str]:
    """Try each operation `cases` times, for whom may do everything; return how often each was.

    Raises:  schemathesis' FailureGroup for an answer that the document does not promise.
    """
    access = access_for(Path(tempfile.mkdtemp(prefix="edgecls-fuzz-")), login=True)
    token = access.accounts.add_token("fuzz", "full", at=AT)
    schema = schemathesis.openapi.from_dict(document(access.cookie))
    schema.app = app_of(FakeHousehold(stored=past_visits(5)), access)
    tried: Counter[str] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=cases, deadline=None, database=None, derandomize=derandomize,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy())
        def try_it(case: schemathesis.Case) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            answer = case.call(base_url=URL, headers=headers)
            tried[case.operation.label] += 1
            case.validate_response(answer, checks=CHECKS)

        try_it()
    return tried
