"""One provider fails, the next answers, and the caller sees only the good answer."""

import asyncio
import json
import re
import time

import anthropic
import httpx
import httpx2
import openai
import pytest

from house import (CARD, EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, TOOLS, asked, assert_nowhere, calls_of, house, said,
                   team, user)
from wire import MESSAGES, Connection, request, send

BROKEN_CONNECTION = (openai.APIError, httpx.HTTPError, httpx2.HTTPError)


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


@pytest.fixture
def with_a_dead_one(gateway):
    return gateway(policy=HOUSE, dead=["openai"])


def ask(tollgate, model="smart", stream=False, text=TEXT, **more):
    """The text of the answer, and its headers."""
    client = tollgate.openai(team=team()).chat.completions.with_raw_response
    answer = client.create(model=model, messages=user(text), stream=stream, **more)
    parsed = answer.parse()
    return (said(parsed) if stream else parsed.choices[0].message.content), answer.headers


def attempts(record):
    return [(attempt["provider"], attempt.get("class")) for attempt in record["tollgate.attempts"]]


# ── Every way to fail before the answer has begun ───────────────────────────────────────────────────────────────────

ANYHOW = {
    "429": "rate_limited", "500": "server_error", "503": "overloaded", "529": "overloaded", "401": "auth",
    "402": "quota_exhausted", "404": "not_found", "quota": "quota_exhausted",
    "filter": "content_filter", "reset": None, "reset-headers": None, "garbage": "broken_response",
    "html": "broken_response", "empty": "broken_response", "gzip": "broken_response",
    '{"status": 502, "error": "timeout"}': None, '{"end": "close", "after": "headers"}': None,
}
WHOLE = {
    '{"end": "clean", "after": 100}': "broken_response", '{"end": "close", "after": 100}': None,
    '{"end": "reset", "after": 100}': None, '{"body": "{}"}': "broken_response", '{"body": "[1]"}': "broken_response",
    '{"body": "{\\"error\\":{\\"message\\":\\"no\\",\\"type\\":\\"server_error\\"}}"}': "server_error",
}
STREAM = {
    "error-first": "overloaded", '{"error_event": "rate_limited", "after_events": 0}': "rate_limited",
    '{"error_event": "overloaded", "after_events": 1}': "overloaded", '{"end": "clean", "after": 0}': "broken_response",
    '{"end": "clean", "after": 1}': "broken_response", '{"end": "close", "after": 1}': None,
    '{"end": "reset", "after": 1}': None,
}


@pytest.mark.parametrize("stream, fault", [
    *((False, fault) for fault in (*ANYHOW, *WHOLE)), *((True, fault) for fault in (*ANYHOW, *STREAM))])
def test_the_next_provider_answers(tollgate, stream, fault):
    classes = {**ANYHOW, **WHOLE, **STREAM}
    tollgate.fake["openai"].faults(fault)
    text, headers = ask(tollgate, stream=stream)
    assert text == TEXT
    assert headers["x-tollgate-provider"] == "deepseek" and headers["x-tollgate-attempts"] == "2"
    assert not [name for name in headers if name in ("x-tollgate-retry", "x-tollgate-reason", "content-encoding")]
    (record,) = tollgate.records(1)
    (first, why), answered = attempts(record)
    assert first == "openai" and answered == ("deepseek", None)
    assert why == classes[fault] if classes[fault] else why is not None
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["stall", "stall-headers", {"delay": 2.0}], ids=str)
def test_a_provider_that_says_nothing_is_given_up(tollgate, fault, stream):
    tollgate.fake["openai"].faults(fault)
    started = time.monotonic()
    text, headers = ask(tollgate, model="impatient", stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"
    assert 0.35 < time.monotonic() - started < 1.9
    assert attempts(tollgate.records(1)[0]) == [("openai", "timeout"), ("deepseek", None)]


def test_a_stream_that_stalls_after_its_empty_first_event_is_given_up(tollgate):
    tollgate.fake["openai"].faults({"end": "stall", "after": 1})
    text, headers = ask(tollgate, model="impatient", stream=True)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"


def test_a_slow_stream_that_has_begun_is_not_given_up(tollgate):
    tollgate.fake["openai"].faults({"drip": {"bytes": 700, "every": 0.05}})
    text, headers = ask(tollgate, model="impatient", stream=True)
    assert text == TEXT and headers["x-tollgate-provider"] == "openai"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_host_that_is_dead_is_passed_over(with_a_dead_one, stream):
    text, headers = ask(with_a_dead_one, stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"
    (first, why), answered = attempts(with_a_dead_one.records(1)[0])
    assert first == "openai" and why is not None and answered == ("deepseek", None)


# ── Three targets, the last in another dialect ──────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_third_provider_answers_in_the_callers_dialect(tollgate, stream):
    tollgate.fake["openai"].faults("error-first" if stream else "429")
    tollgate.fake["deepseek"].faults("reset")
    text, headers = ask(tollgate, stream=stream, max_completion_tokens=500)
    assert text == TEXT
    assert headers["x-tollgate-provider"] == "anthropic" and headers["x-tollgate-model"] == "claude-sonnet-5"
    assert headers["x-tollgate-attempts"] == "3" and asked(tollgate) == ["anthropic", "deepseek", "openai"]
    (sent,) = tollgate.fake["anthropic"].requests()
    assert sent["path"] == "/v1/messages" and sent["json"]["max_tokens"] == 500
    assert sent["json"]["messages"] == user(REDACTED) or sent["json"]["messages"][0]["content"][0]["text"] == REDACTED
    (record,) = tollgate.records(1)
    assert [provider for provider, _ in attempts(record)] == ["openai", "deepseek", "anthropic"]
    assert record["gen_ai.provider.name"] == "anthropic" and record["gen_ai.response.model"] == "claude-sonnet-5"
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_third_providers_tool_calls_arrive_in_the_callers_dialect(tollgate, stream):
    tollgate.fake["openai"].faults("503")
    tollgate.fake["deepseek"].faults("429")
    text = "use two tools for " + EMAIL
    answer = tollgate.openai(team=team()).chat.completions.create(
        model="smart", messages=user(text), tools=TOOLS, stream=stream)
    if stream:
        calls, finish = calls_of(answer)
    else:
        finish = answer.choices[0].finish_reason
        calls = [(call.function.name, json.loads(call.function.arguments))
                 for call in answer.choices[0].message.tool_calls]
        assert answer.usage.total_tokens > 0
    assert calls == [("find", {"query": text}), ("count", {"query": text})] and finish == "tool_calls"


def test_each_provider_is_addressed_by_its_own_name_path_model_and_key(tollgate):
    tollgate.fake["openai"].faults("500")
    tollgate.fake["deepseek"].faults("500")
    tollgate.openai(team=team(), api_key="sk-of-the-caller").chat.completions.create(
        model="smart", messages=user("hi"), max_completion_tokens=50)
    (first,), (second,), (third,) = (tollgate.fake[name].requests() for name in ("openai", "deepseek", "anthropic"))
    assert [(r["headers"]["host"], r["path"], r["json"]["model"]) for r in (first, second, third)] == [
        ("api.openai.com", "/v1/chat/completions", "gpt-5.4"),
        ("api.deepseek.com", "/chat/completions", "deepseek-v4-pro"),
        ("api.anthropic.com", "/v1/messages", "claude-sonnet-5")]
    assert first["headers"]["authorization"] == "Bearer sk-of-the-caller"
    assert second["headers"]["authorization"] == "Bearer fake-deepseek-key"
    assert third["headers"]["x-api-key"] == "fake-anthropic-key" and "authorization" not in third["headers"]
    assert first["json"]["store"] is False and "store" not in second["json"] and "store" not in third["json"]
    assert second["json"]["max_tokens"] == 50 and "max_completion_tokens" not in second["json"]
    assert third["headers"]["anthropic-version"]
    for sent in (first, second, third):
        assert not [name for name in sent["headers"] if name.startswith("x-tollgate") or name == "x-team"]
        assert int(sent["headers"].get("content-length", len(sent["body"].encode()))) == len(sent["body"].encode())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_anthropics_sdk_gets_its_answer_from_openai(tollgate, stream):
    tollgate.fake["anthropic"].faults("error-first" if stream else "529")
    asked_for = dict(model="claude-first", max_tokens=100, system="be brief",
                     messages=user("use two tools for " + EMAIL),
                     tools=[{"name": name, "input_schema": {"type": "object"}} for name in ("find", "count")])
    messages = tollgate.anthropic(team=team()).messages
    if stream:
        with messages.stream(**asked_for) as events:
            answer = events.get_final_message()
    else:
        answer = messages.create(**asked_for)
    query = {"query": "use two tools for " + EMAIL}
    assert [(block.name, block.input) for block in answer.content] == [("find", query), ("count", query)]
    assert answer.stop_reason == "tool_use" and answer.usage.output_tokens > 0
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["json"]["messages"][0]["role"] in ("system", "developer") and sent["json"]["store"] is False
    assert_nowhere(tollgate, EMAIL)


# ── Nobody is left ──────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_last_providers_error_arrives_with_its_own_status_in_the_callers_dialect(tollgate, stream):
    tollgate.fake["openai"].faults("429")
    tollgate.fake["deepseek"].faults("500")
    tollgate.fake["anthropic"].faults("529")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(tollgate, stream=stream)
    assert raised.value.status_code == 529 and raised.value.body["message"] == "Overloaded"
    assert set(raised.value.body) == {"message", "type", "param", "code"}
    assert raised.value.response.headers["x-tollgate-attempts"] == "3"
    assert "x-tollgate-retry" not in raised.value.response.headers
    (record,) = tollgate.records(1)
    assert attempts(record) == [("openai", "rate_limited"), ("deepseek", "server_error"), ("anthropic", "overloaded")]
    assert record["error.type"] == "overloaded" and record["tollgate.status"] == 529


def test_a_lone_providers_error_passes_as_it_is(tollgate):
    tollgate.fake["openai"].faults({"status": 429, "retry_after": 7})
    with pytest.raises(openai.RateLimitError) as raised:
        ask(tollgate, model="gpt-5.4")
    assert raised.value.body["code"] == "rate_limit_exceeded" and "gpt-5.6-luna" in raised.value.body["message"]
    assert raised.value.response.headers["retry-after"] == "7"


def test_an_error_that_quotes_the_prompt_is_restored_for_the_caller(tollgate):
    error = {"message": "cannot serve <EMAIL_1>", "type": "invalid_request_error", "param": None, "code": None}
    tollgate.fake["openai"].faults({"status": 400, "body": json.dumps({"error": error})})
    with pytest.raises(openai.BadRequestError) as raised:
        ask(tollgate, model="gpt-5.4")
    assert raised.value.body["message"] == "cannot serve " + EMAIL
    assert_nowhere(tollgate, EMAIL)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_error_inside_a_lone_providers_200_becomes_an_error_of_the_proper_class(tollgate, stream):
    tollgate.fake["openai"].faults("error-first" if stream else "garbage")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(tollgate, model="gpt-5.4", stream=stream)
    assert raised.value.status_code == (503 if stream else 502)


def test_when_all_stall_the_caller_gets_a_timeout_in_its_dialect(tollgate):
    for name in ("openai", "deepseek", "anthropic"):
        tollgate.fake[name].faults("stall")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(tollgate, model="impatient")
    assert raised.value.status_code == 504 and raised.value.body["code"] == "timeout"
    (record,) = tollgate.records(1)
    assert [why for _, why in attempts(record)] == ["timeout"] * 3 and record["error.type"] == "timeout"


def test_when_all_hang_up_the_caller_gets_an_error_in_its_dialect(tollgate):
    for name in ("openai", "deepseek", "anthropic"):
        tollgate.fake[name].faults("reset")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(tollgate)
    assert raised.value.status_code == 503 and raised.value.body["code"] == "no_target_left"
    assert len(tollgate.records(1)[0]["tollgate.attempts"]) == 3


def test_a_lone_dead_host_is_an_error_in_the_callers_dialect(with_a_dead_one):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(with_a_dead_one, model="gpt-5.4")
    assert raised.value.status_code == 503 and raised.value.body["code"] == "no_target_left"
    with_a_dead_one.records(1)


@pytest.mark.parametrize("fault, error", [("400", openai.BadRequestError),
                                          ({"error": "too_large"}, openai.APIStatusError)], ids=str)
def test_a_mistake_of_the_callers_is_not_tried_again_elsewhere(tollgate, fault, error):
    tollgate.fake["openai"].faults(fault)
    with pytest.raises(error):
        ask(tollgate)
    assert asked(tollgate) == ["openai"]
    assert len(tollgate.records(1)[0]["tollgate.attempts"]) == 1


# ── After the answer has begun ──────────────────────────────────────────────────────────────────────────────────────

# Slowly, so that something has reached the caller when it happens.
SLOW = {"drip": {"bytes": 150, "every": 0.01}}
ERROR_MIDWAY = {"error_event": "overloaded", "after_events": 7, **SLOW}
END_MIDWAY = {"end": "clean", "after": 7, **SLOW}


@pytest.mark.parametrize("fault", [ERROR_MIDWAY, END_MIDWAY], ids=["error", "end"])
@pytest.mark.parametrize("model, provider", [("smart", "openai"), ("claude", "anthropic")])
def test_a_stream_that_fails_midway_ends_with_an_error_event_and_not_as_if_whole(tollgate, model, provider, fault):
    tollgate.fake[provider].faults(fault)
    answer = send(tollgate.port, {"model": model, "messages": user(TEXT), "stream": True})
    assert answer.status == 200 and answer.ended
    *good, last = answer.events()
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content") or "" for event in good)
    assert text and TEXT.startswith(re.sub("<[A-Z]*_?$", "", text))  # the end may be part of a placeholder
    error = json.loads(last)["error"]
    assert error["message"] and error["type"] and "[DONE]" not in answer.text
    (record,) = tollgate.records(1)
    assert attempts(record)[0][1] == ("overloaded" if fault is ERROR_MIDWAY else "broken_response")
    assert record["error.type"] == attempts(record)[0][1] and len(attempts(record)) == 1


@pytest.mark.parametrize("fault, why", [
    ({"error_event": "overloaded", "after_events": 4, "cut": 100_000}, "overloaded"),
    ({"end": "clean", "after": 4, "cut": 100_000}, "broken_response")], ids=["error", "end"])
def test_an_error_right_behind_the_first_text_is_recorded_and_no_clean_end(tollgate, fault, why):
    tollgate.fake["openai"].faults(fault)
    answer = send(tollgate.port, {"model": "smart", "messages": user(TEXT), "stream": True})
    (record,) = tollgate.records(1)
    assert attempts(record)[0] == ("openai", why)
    failed_over = len(attempts(record)) == 2  # it may: nothing had reached the caller
    assert ("[DONE]" in answer.text) is failed_over
    assert failed_over or "error" in json.loads(answer.events()[-1])


def test_the_sdk_raises_on_a_stream_that_fails_midway(tollgate):
    tollgate.fake["openai"].faults(ERROR_MIDWAY)
    stream = tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user(TEXT), stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


@pytest.mark.parametrize("fault", [ERROR_MIDWAY, END_MIDWAY], ids=["error", "end"])
@pytest.mark.parametrize("model, provider", [("claude-sonnet-5", "anthropic"), ("claude-first", "openai")])
def test_anthropics_stream_that_fails_midway_ends_with_its_error_event(tollgate, model, provider, fault):
    if provider == "openai":
        tollgate.fake["anthropic"].faults("529")
    tollgate.fake[provider].faults(fault)
    answer = send(tollgate.port, {"model": model, "max_tokens": 50, "messages": user(TEXT), "stream": True},
                  path=MESSAGES, headers=["anthropic-version: 2023-06-01"])
    assert answer.status == 200 and answer.ended
    *_, last = [block for block in answer.text.split("\n\n") if block.strip()]
    name, data = last.split("\n")
    assert name == "event: error" and json.loads(data[len("data: "):])["type"] == "error"
    assert "message_stop" not in answer.text
    with pytest.raises(anthropic.APIStatusError):
        tollgate.fake[provider].faults(fault)
        if provider == "openai":
            tollgate.fake["anthropic"].faults("529")
        with tollgate.anthropic(team=team()).messages.stream(
                model=model, max_tokens=50, messages=user(TEXT)) as events:
            events.get_final_message()


@pytest.mark.parametrize("fault", ["reset", "close"])
def test_a_connection_lost_midway_is_no_clean_end(tollgate, fault):
    fault = {"end": fault, "after": 7, **SLOW}
    tollgate.fake["openai"].faults(fault, fault)
    with pytest.raises(BROKEN_CONNECTION):
        list(tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user(TEXT), stream=True))
    answer = send(tollgate.port, {"model": "smart", "messages": user(TEXT), "stream": True})
    assert "[DONE]" not in answer.text
    assert not answer.ended or "error" in json.loads(answer.events()[-1])
    for record in tollgate.records(2):
        assert record["error.type"] and attempts(record)[0][1] is not None
        assert "tollgate.aborted" not in record  # it was not the caller who left


def test_a_stream_that_falls_silent_midway_is_cut_and_no_clean_end(gateway):
    tollgate = gateway(policy=house(timeouts={"between_tokens": "500ms"}), concurrency=1)
    tollgate.fake["openai"].faults({"end": "stall", "after": 7, **SLOW})
    started = time.monotonic()
    with pytest.raises(BROKEN_CONNECTION):
        list(tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user(TEXT), stream=True))
    assert 0.4 < time.monotonic() - started < 3
    (record,) = tollgate.records(1)
    assert record["error.type"] == "timeout" and attempts(record) == [("openai", "timeout")]
    assert "tollgate.aborted" not in record


# ── Under load ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_many_fail_over_at_once_and_none_is_lost(tollgate):
    tollgate.fake["openai"].faults("429", sticky=True)
    client = tollgate.openai(team=team(), asynchronous=True)
    texts = ["number %d to person.%d@example.org" % (number, number) for number in range(50)]

    async def one(number):
        answer = await client.chat.completions.create(
            model="smart", messages=user(texts[number]), stream=number % 2 == 0)
        if number % 2:
            return answer.choices[0].message.content
        return said([chunk async for chunk in answer])

    async def all_of_them():
        return await asyncio.gather(*map(one, range(50)))

    assert asyncio.run(all_of_them()) == texts
    assert len(tollgate.fake["deepseek"].requests()) == 50
    for record in tollgate.records(50):
        assert attempts(record) == [("openai", "rate_limited"), ("deepseek", None)]


def test_requests_of_one_connection_fail_over_one_by_one(tollgate):
    tollgate.fake["openai"].faults("503", "ok", "429", "ok")
    with Connection(tollgate.port) as connection:
        for expected in ("deepseek", "openai", "deepseek", "openai"):
            connection.send(request(json.dumps({"model": "smart", "messages": user(TEXT)}).encode()))
            answer = connection.answer()
            assert answer.status == 200 and answer.headers["x-tollgate-provider"] == expected


# ── What the policy calls final ─────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("fault, status", [("429", 429), ("500", 500), ("503", 503)])
def test_a_failure_that_is_final_by_the_policy_is_the_callers(gateway, fault, status):
    final = {name: {"then": "fail"} for name in ("rate_limited", "server_error", "overloaded")}
    tollgate = gateway(policy=house(recovery=final))
    tollgate.fake["openai"].faults(fault)
    with pytest.raises(openai.APIStatusError) as caught:
        ask(tollgate)
    assert caught.value.status_code == status
    assert caught.value.response.headers["x-tollgate-attempts"] == "1"
    asked_others = [name for name in ("deepseek", "anthropic") if tollgate.fake[name].requests()]
    assert not asked_others
