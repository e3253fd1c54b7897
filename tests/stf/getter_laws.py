"""Laws of a single getter: who gets an answer, and what an answer is."""

from __future__ import annotations

from integritee.errors import IntegriteeError
from integritee.stf.executor import Executor
from integritee.stf.operation import Public, PublicGetter, Trusted, TrustedGetterSigned

from .arbitrary_operations import Question
from .step_laws import expect, expect_that
from .tally import ANSWERED, NOT_PUBLIC


def ask(question: Question, executor: Executor, now: int) -> str:
    """How it ended: ANSWERED or the code of the refusal. Raises LawBroken."""
    asked = question.getter
    try:
        answer = executor.query(Public(asked) if isinstance(asked, PublicGetter) else Trusted(asked), now)
    except IntegriteeError as refused:
        if isinstance(asked, PublicGetter):
            expect("a public getter is refused only if it is not for the public", refused.code, NOT_PUBLIC)
        if not question.genuine:
            expect("a forged question is refused for its signature", refused.code, "stf.invalid_signature")
        return refused.code
    expect_that("a forged question gets no answer", question.genuine)
    if isinstance(asked, TrustedGetterSigned) and asked.delegate is not None:
        _check_proxy(asked, asked.delegate, executor, now)
    if answer is not None:
        value = executor.ledger.decode_answer(question.definition, answer)
        expect("an answer is of its type", executor.ledger.encode_answer(question.definition, value), answer)
    return ANSWERED


def _check_proxy(asked: TrustedGetterSigned, delegate: bytes, executor: Executor, now: int) -> None:
    credentials = executor.runtime.session_proxy.get(asked.getter.sender, delegate)
    expect_that("answers go to the account and its session proxies", credentials is not None)
    assert credentials is not None
    expect_that("a session proxy asks until it expires", credentials.expiry is None or now < credentials.expiry)
    expect_that("a role allows the question", type(credentials.role) in asked.getter.definition.roles)
