"""Direct mode (envoy-direct.yaml): the listener role alone, on the way to one provider."""

import json

import openai
import pytest

from house import (AWKWARD, CARD, EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, TOOLS, asked, assert_nowhere, calls_of,
                   prompt_at, said, team, user)
from wire import request, send, Connection

LIMIT = 10_000
POLICY = {
    "version": 1,
    "callers": HOUSE["callers"],
    "providers": {"openai": {"dialect": "openai", "cluster": "openai", "retention": "opt_out",
                             "opt_out": {"headers": {"x-no-log": "yes"}}}},
    "data": HOUSE["data"],
    "limits": HOUSE["limits"],
    "budgets": [{"name": "team-month", "per": ["caller"], "limit": {"tokens": LIMIT}, "window": "month",
                 "at": [{"percent": 100, "reject": True}]}],
    "output_reserve": 100,
}


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY, config="envoy-direct.yaml")


@pytest.fixture
def chat(tollgate):
    return tollgate.openai(team=team()).chat.completions


def test_a_value_does_not_leave_and_comes_back(tollgate, chat):
    answer = chat.with_raw_response.create(model="gpt-5.4", messages=user(TEXT))
    assert answer.parse().choices[0].message.content == TEXT
    assert prompt_at(tollgate, "openai") == REDACTED
    assert answer.headers["x-tollgate-decision"] == "redacted" and answer.headers["x-tollgate-redactions"] == "4"
    assert answer.headers["x-tollgate-provider"] == "openai" and answer.headers["x-tollgate-attempts"] == "1"
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


@pytest.mark.parametrize("fault", [{"delta": 1}, {"delta": 5}, {"cut": 1}, {"cut": 100}, "crlf"], ids=str)
def test_a_stream_is_restored_however_it_is_cut(tollgate, chat, fault):
    text = TEXT + AWKWARD
    tollgate.fake["openai"].faults(fault)
    chunks = list(chat.create(model="gpt-5.4", messages=user(text), stream=True))
    assert said(chunks) == text and chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.choices for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_arguments_of_tool_calls_are_restored(tollgate, chat, stream):
    text = "use two tools for %s and %s" % (EMAIL, AWKWARD)
    answer = chat.create(model="gpt-5.4", messages=user(text), tools=TOOLS, stream=stream)
    calls = calls_of(answer)[0] if stream else [
        (call.function.name, json.loads(call.function.arguments)) for call in answer.choices[0].message.tool_calls]
    assert calls == [("find", {"query": text}), ("count", {"query": text})]
    assert_nowhere(tollgate, EMAIL, AWKWARD)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_provider_is_told_not_to_keep_it(tollgate, chat, stream):
    answer = chat.create(model="gpt-5.4", messages=user("hi"), store=True, stream=stream)
    if stream:
        list(answer)
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["json"]["store"] is False and sent["headers"]["x-no-log"] == "yes"
    assert not [name for name in sent["headers"] if name.startswith("x-tollgate") or name == "x-team"]
    opt_out = json.dumps(tollgate.records(1)[0]["tollgate.attempts"][0]["opt_out"])
    assert "store=false" in opt_out and "x-no-log" in opt_out


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_is_charged_and_over_the_budget_refused(tollgate, stream):
    caller = team()
    chat = tollgate.openai(team=caller).chat.completions
    tollgate.fake["openai"].faults({"usage": {"input": 9_000, "output": 1_000}})
    answer = chat.create(model="gpt-5.4", messages=user("hi"), stream=stream)
    if stream:
        assert all(chunk.choices for chunk in answer)
    assert tollgate.records(1)[0]["tollgate.budgets"][0]["used"] == 10_000
    with pytest.raises(openai.RateLimitError) as raised:
        chat.create(model="gpt-5.4", messages=user("hi"), stream=stream)
    assert raised.value.body["code"] == "insufficient_quota"


def test_an_aborted_stream_is_charged(tollgate):
    caller = team()
    tollgate.fake["openai"].faults({"drip": {"bytes": 250, "every": 0.02}})
    stream = tollgate.openai(team=caller).chat.completions.create(
        model="gpt-5.4", messages=user("word " * 400), stream=True)
    for number, _ in enumerate(stream):
        if number == 20:
            break
    stream.close()
    (record,) = tollgate.records(1)
    assert record["tollgate.aborted"] and record["tollgate.budgets"][0]["used"] > 300


def test_blocked_data_is_refused(tollgate, chat):
    with pytest.raises(openai.BadRequestError) as raised:
        chat.create(model="gpt-5.4", messages=user("OPERATION-BLUE"))
    assert raised.value.body["code"] == "blocked" and asked(tollgate) == []


@pytest.mark.parametrize("fault, error, status", [
    ("429", openai.RateLimitError, 429), ("500", openai.InternalServerError, 500),
    ("400", openai.BadRequestError, 400)])
def test_the_providers_errors_pass_with_their_own_status(tollgate, chat, fault, error, status):
    tollgate.fake["openai"].faults(fault)
    with pytest.raises(error) as raised:
        chat.create(model="gpt-5.4", messages=user(TEXT))
    assert raised.value.status_code == status and raised.value.body["message"]
    (record,) = tollgate.records(1)
    assert record["tollgate.status"] == status and record["tollgate.attempts"][0]["class"]


@pytest.mark.parametrize("fault", ["garbage", "html", "empty", {"end": "clean", "after": 100}], ids=str)
def test_an_answer_that_is_none_becomes_a_502(tollgate, chat, fault):
    tollgate.fake["openai"].faults(fault)
    with pytest.raises(openai.InternalServerError) as raised:
        chat.create(model="gpt-5.4", messages=user(TEXT))
    assert raised.value.status_code == 502 and raised.value.body["code"] == "broken_response"


def test_an_error_as_the_first_event_becomes_an_error_status(tollgate, chat):
    tollgate.fake["openai"].faults("error-first")
    with pytest.raises(openai.InternalServerError) as raised:
        chat.create(model="gpt-5.4", messages=user(TEXT), stream=True)
    assert raised.value.status_code == 503


def test_a_stream_cut_short_ends_with_an_error_event(tollgate):
    tollgate.fake["openai"].faults({"end": "clean", "after": 7, "drip": {"bytes": 150, "every": 0.01}})
    answer = send(tollgate.port, {"model": "gpt-5.4", "messages": user(TEXT), "stream": True})
    assert answer.status == 200 and "error" in json.loads(answer.events()[-1]) and "[DONE]" not in answer.text


def test_a_dead_provider_is_an_error_in_the_callers_dialect(gateway):
    tollgate = gateway(policy=POLICY, config="envoy-direct.yaml", dead=["openai"], concurrency=1)
    with pytest.raises(openai.InternalServerError) as raised:
        tollgate.openai(team=team()).chat.completions.create(model="gpt-5.4", messages=user(TEXT))
    assert raised.value.status_code == 503 and raised.value.body["code"] == "no_target_left"
    tollgate.records(1)


def test_one_connection_serves_many_requests(tollgate):
    with Connection(tollgate.port) as connection:
        for number in range(6):
            text = "person.%d@example.org and %s" % (number, EMAIL)
            body = json.dumps({"model": "gpt-5.4", "messages": user(text), "stream": number % 2 == 1}).encode()
            connection.send(request(body))
            answer = connection.answer()
            assert answer.status == 200 and answer.ended
            assert number % 2 or answer.json["choices"][0]["message"]["content"] == text
    assert_nowhere(tollgate, "person.")
