"""Providers are told not to keep what they are sent."""

import json

import openai
import pytest

from house import HOUSE, asked, team, user
from wire import send


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


@pytest.fixture
def lenient(gateway):
    """The caller's own word counts where there is one, and stored state is allowed."""
    return gateway(policy=dict(HOUSE, retention={"opt_out": "if_unset", "needs_storage": "allow"}), concurrency=1)


@pytest.fixture
def never(gateway):
    return gateway(policy=dict(HOUSE, retention={"opt_out": "never"}), concurrency=1)


def sent(tollgate, provider="openai"):
    (request,) = tollgate.fake[provider].requests()
    return request


@pytest.mark.parametrize("more", [{}, {"store": False}, {"store": True}, {"store": None}], ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_openai_is_told_not_to_store_whatever_the_caller_says(tollgate, more, stream):
    answer = send(tollgate.port, {"model": "gpt-5.4", "messages": user("hi"), "stream": stream, **more})
    assert answer.status == 200
    assert sent(tollgate)["json"]["store"] is False and sent(tollgate)["body"].count('"store"') == 1
    (record,) = tollgate.records(1)
    assert record["tollgate.attempts"][0]["opt_out"] == ["store=false"]


def test_what_lengthens_retention_is_taken_out(tollgate):
    send(tollgate.port, {"model": "gpt-5.4", "messages": user("hi"), "prompt_cache_retention": "24h"})
    assert "prompt_cache_retention" not in sent(tollgate)["json"]


def test_a_provider_without_an_opt_out_gets_no_field_that_it_does_not_know(tollgate):
    chat = tollgate.openai(team=team()).chat.completions
    chat.create(model="cheap", messages=user("hi"), store=True)
    chat.create(model="claude", messages=user("hi"), store=True)
    assert "store" not in sent(tollgate, "deepseek")["json"] and "store" not in sent(tollgate, "anthropic")["json"]


def test_headers_and_fields_of_the_policy_are_set_at_their_provider_only(tollgate):
    tollgate.openai(team=team()).chat.completions.create(
        model="house-llama", messages=user("hi"),
        extra_body={"provider": {"data_collection": "allow", "sort": "price"}})
    request = sent(tollgate)
    assert request["headers"]["x-no-log"] == "yes"
    assert request["json"]["provider"] == {"data_collection": "deny", "sort": "price"}
    assert request["path"] == "/inner/v1/chat/completions" and request["headers"]["host"] == "llm.internal"
    (record,) = tollgate.records(1)
    opt_out = json.dumps(record["tollgate.attempts"][0]["opt_out"])
    assert "provider.data_collection" in opt_out and "x-no-log" in opt_out
    tollgate.reset()
    send(tollgate.port, {"model": "gpt-5.4", "messages": user("hi")})
    assert "x-no-log" not in sent(tollgate)["headers"] and "provider" not in sent(tollgate)["json"]


def test_the_callers_own_header_does_not_undo_the_policys(tollgate):
    send(tollgate.port, {"model": "house-llama", "messages": user("hi")}, headers=["x-no-log: no"])
    assert sent(tollgate)["headers"]["x-no-log"] == "yes"


@pytest.mark.parametrize("field, value", [
    ("previous_response_id", "resp_123"), ("conversation", "conv_1"), ("background", True)])
def test_a_request_that_needs_stored_state_is_refused_by_the_fields_name(tollgate, field, value):
    chat = tollgate.openai(team=team()).chat.completions
    with pytest.raises(openai.BadRequestError) as raised:
        chat.create(model="gpt-5.4", messages=user("hi"), extra_body={field: value})
    assert raised.value.body["code"] == "needs_storage" and raised.value.body["param"] == field
    assert asked(tollgate) == []
    (record,) = tollgate.records(1)
    assert record["error.type"] == "needs_storage"


def test_if_unset_leaves_the_callers_word_and_speaks_where_there_is_none(lenient):
    for more in ({}, {"store": True}, {"store": False}):
        send(lenient.port, {"model": "gpt-5.4", "messages": user("hi"), **more})
    stores = [request["json"]["store"] for request in lenient.fake["openai"].requests()]
    assert stores == [False, True, False]
    records = lenient.records(3)
    assert [record["tollgate.attempts"][0].get("opt_out", []) for record in records] == [
        ["store=false"], [], ["store=false"]]


def test_stored_state_can_be_allowed(lenient):
    answer = send(lenient.port, {"model": "gpt-5.4", "messages": user("hi"), "previous_response_id": "resp_1"})
    assert answer.status == 200 and sent(lenient)["json"]["previous_response_id"] == "resp_1"


def test_never_changes_nothing(never):
    for more in ({}, {"store": True}):
        send(never.port, {"model": "gpt-5.4", "messages": user("hi"), **more})
    assert [request["json"].get("store") for request in never.fake["openai"].requests()] == [None, True]
    assert all("opt_out" not in record["tollgate.attempts"][0] for record in never.records(2))


def test_data_of_a_class_goes_only_where_its_retention_is_promised(gateway):
    classes = [{"name": "confidential", "header": {"x-data-class": "confidential"}, "retention": "opt_out"},
               {"name": "secret", "header": {"x-data-class": "secret"}, "retention": "zero"}]
    tollgate = gateway(policy=dict(HOUSE, data=dict(HOUSE["data"], classes=classes)), concurrency=1)
    chat = tollgate.openai(team=team()).chat.completions
    chat.create(model="cheap", messages=user("hi"), extra_headers={"x-data-class": "confidential"})
    assert asked(tollgate) == ["openai"]
    with pytest.raises(openai.PermissionDeniedError) as raised:
        chat.create(model="cheap", messages=user("hi"), extra_headers={"x-data-class": "secret"})
    assert raised.value.body["code"] == "no_target_for_data" and "secret" in raised.value.body["message"]
    assert raised.value.response.headers["x-should-retry"] == "false"
    records = tollgate.records(2)
    assert [record["tollgate.classes"] for record in records] == [["confidential"], ["secret"]]
