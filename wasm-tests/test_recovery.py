"""What follows each class of failure: another chain, a larger window, fewer turns; and nothing is counted twice."""

import asyncio
import json

import anthropic
import openai
import pytest

from house import (CARD, EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, asked, assert_nowhere, house, prompt_at, said,
                   team, user)
from wire import CHAT, Connection, request, send, wait_for

LENIENT = {**HOUSE["chains"], "lenient": {"targets": ["anthropic/claude-sonnet-5"], "cluster": "anthropic"}}
POLICY = house(chains=LENIENT, recovery={"content_filter": {"chain": "lenient"}})
INTERNAL = ("x-tollgate-exchange", "x-tollgate-reason", "x-tollgate-retry", "x-envoy-original-url", "location")


@pytest.fixture(params=["envoy.yaml", "envoy-chains.yaml"])
def tollgate(gateway, request):
    return gateway(policy=POLICY, config=request.param)


def ask(tollgate, model="smart", stream=False, messages=None, **more):
    client = tollgate.openai(team=more.pop("team", None) or team()).chat.completions.with_raw_response
    answer = client.create(model=model, messages=messages or user(TEXT), stream=stream, **more)
    parsed = answer.parse()
    return (said(parsed) if stream else parsed.choices[0].message.content), answer.headers


def attempts(record):
    return [(attempt["provider"], attempt.get("class")) for attempt in record["tollgate.attempts"]]


# ── Another chain ───────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_another_chain_answers_in_place_of_the_one_that_refused(tollgate, stream):
    tollgate.fake["openai"].faults("filter")
    name = team()
    text, headers = ask(tollgate, stream=stream, team=name)
    assert text == TEXT and headers["x-tollgate-provider"] == "anthropic" and headers["x-tollgate-attempts"] == "2"
    assert headers["x-tollgate-route"] == "smart" and not [name for name in INTERNAL if name in headers]
    assert asked(tollgate) == ["anthropic", "openai"]
    (sent,) = tollgate.fake["anthropic"].requests()
    assert sent["path"] == "/v1/messages" and sent["headers"]["x-api-key"] == "fake-anthropic-key"
    assert sent["json"]["model"] == "claude-sonnet-5" and REDACTED in json.dumps(sent["json"])
    assert not [header for header in sent["headers"] if header.startswith("x-tollgate") or header in INTERNAL]
    assert "authorization" not in sent["headers"] and "x-team" not in sent["headers"]
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)
    (line,) = tollgate.access_log(1)  # one call, one line, one record
    record = line["record"]
    assert attempts(record) == [("openai", "content_filter"), ("anthropic", None)]
    assert record["tollgate.chain"] == "lenient" and record["tollgate.route"] == "smart"
    assert record["tollgate.findings"] == {"credit_card": 1, "email": 3} and record["tollgate.redactions"] == 4
    used = record["gen_ai.usage.input_tokens"] + record["gen_ai.usage.output_tokens"]
    (budget,) = record["tollgate.budgets"]
    assert budget["used"] == used, "settled once, and nothing is left reserved"


def test_a_call_that_was_sent_on_holds_no_reservation_afterwards(tollgate):
    name = team()
    for _ in range(3):
        tollgate.fake["openai"].faults("filter")
        ask(tollgate, team=name, max_completion_tokens=1000)
    records = tollgate.records(3)
    used = [record["gen_ai.usage.input_tokens"] + record["gen_ai.usage.output_tokens"] for record in records]
    assert records[-1]["tollgate.budgets"][0]["used"] == sum(used)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_other_chains_error_is_the_callers_where_it_fails_too(tollgate, stream):
    tollgate.fake["openai"].faults("filter")
    tollgate.fake["anthropic"].faults("529")
    with pytest.raises(openai.APIStatusError) as caught:
        ask(tollgate, stream=stream)
    assert caught.value.status_code == 529 and caught.value.response.headers["x-tollgate-attempts"] == "2"
    (record,) = tollgate.records(1)
    assert attempts(record) == [("openai", "content_filter"), ("anthropic", "overloaded")]
    assert record["error.type"] == "overloaded" and record["tollgate.status"] == 529


def test_a_chain_of_which_all_were_asked_is_no_way_out(gateway):
    chains = {**HOUSE["chains"], "lenient": {"targets": ["openai/gpt-5.4"]}}
    tollgate = gateway(policy=house(chains=chains, recovery={"content_filter": {"chain": "lenient"}}))
    tollgate.fake["openai"].faults("filter")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(tollgate)
    assert caught.value.code in ("content_filter", "invalid_prompt", "content_policy_violation")
    headers = caught.value.response.headers
    assert headers["x-tollgate-attempts"] == "1" and headers["x-tollgate-provider"] == "openai"
    assert not [name for name in INTERNAL if name in headers]
    (record,) = tollgate.records(1)
    assert attempts(record) == [("openai", "content_filter")] and record["tollgate.status"] == 400


def without_redirects(text):
    head, policy, rest = text.partition("                  internal_redirect_policy:")
    assert policy
    rest = rest[rest.index("                  retry_policy:"):]
    return head + rest


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_route_that_takes_no_redirects_gives_the_caller_its_error(gateway, stream):
    tollgate = gateway(policy=POLICY, edit=without_redirects)
    tollgate.fake["openai"].faults("filter")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(tollgate, stream=stream)
    headers = caught.value.response.headers
    assert headers["x-tollgate-attempts"] == "1" and not [name for name in INTERNAL if name in headers]
    assert caught.value.message and asked(tollgate) == ["openai"]
    (record,) = tollgate.records(1)
    assert attempts(record) == [("openai", "content_filter")] and record["tollgate.status"] == 400
    assert record["tollgate.budgets"][0]["used"] == 0


def test_headers_of_the_seam_gain_a_caller_nothing(tollgate):
    forged = ["x-tollgate-exchange: " + "0" * 32, "x-tollgate-reason: content_filter", "x-tollgate-answer: stream",
              "x-envoy-original-url: http://elsewhere/", "location: http://elsewhere/"]
    answer = send(tollgate.port, {"model": "smart", "messages": user(TEXT)}, headers=forged)
    assert answer.status == 200 and answer.headers["x-tollgate-provider"] == "openai"
    assert prompt_at(tollgate, "openai") == REDACTED
    (sent,) = tollgate.fake["openai"].requests()
    assert not [header for header in sent["headers"] if header.startswith("x-tollgate")]
    assert len(tollgate.records(1)) == 1


def test_a_call_that_is_aborted_on_its_second_way_is_told_of_and_settled_once(tollgate):
    tollgate.fake["openai"].faults("filter")
    tollgate.fake["anthropic"].faults({"delay": 5})
    name = team()
    with Connection(tollgate.port) as connection:
        data = json.dumps({"model": "smart", "messages": user(TEXT), "max_tokens": 1000}).encode()
        connection.send(request(data, CHAT, ["x-team: " + name]))
        wait_for(lambda: tollgate.fake["anthropic"].requests(), "the second way")
    (line,) = tollgate.access_log(1)
    record = line["record"]
    assert [provider for provider, _ in attempts(record)] == ["openai", "anthropic"]
    assert record["tollgate.budgets"][0]["used"] < 200, "the reservation of 1000 is given back"
    ask(tollgate, team=name)
    assert tollgate.records(2)[1]["tollgate.budgets"][0]["used"] < 400


def test_many_at_once_are_not_mixed_up(tollgate):
    tollgate.fake["openai"].faults("filter", sticky=True)
    name = team()
    client = tollgate.openai(team=name, asynchronous=True)
    texts = ["number %d to person.%d@example.org" % (number, number) for number in range(40)]

    async def one(number):
        answer = await client.chat.completions.create(
            model="smart", messages=user(texts[number]), stream=number % 2 == 0)
        if number % 2:
            return answer.choices[0].message.content
        return said([chunk async for chunk in answer])

    async def all_of_them():
        return await asyncio.gather(*map(one, range(40)))

    assert asyncio.run(all_of_them()) == texts
    records = tollgate.records(40)
    assert len({record["tollgate.request_id"] for record in records}) == 40
    for record in records:
        assert attempts(record) == [("openai", "content_filter"), ("anthropic", None)]
    # Used is what was used: nothing is lost, and nothing settled twice.
    ask(tollgate, team=name)
    records = tollgate.records(41)
    used = sum(record["gen_ai.usage.input_tokens"] + record["gen_ai.usage.output_tokens"] for record in records)
    assert records[-1]["tollgate.budgets"][0]["used"] == used


def test_a_providers_own_redirect_is_followed_by_nobody(tollgate):
    away = {"status": 302, "body": "", "headers": {"location": tollgate.fake["deepseek"].url + "/v1/chat/completions"}}
    tollgate.fake["openai"].faults(away)
    answer = send(tollgate.port, {"model": "smart", "messages": user(TEXT)})
    assert answer.status == 200 and answer.headers["x-tollgate-provider"] == "deepseek"
    assert asked(tollgate) == ["deepseek", "openai"] and "location" not in answer.headers
    tollgate.fake["anthropic"].faults(away)
    answer = send(tollgate.port, {"model": "claude", "messages": user(TEXT)})
    assert answer.status >= 500 and "location" not in answer.headers and answer.json["error"]["message"]


# ── Windows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

WINDOWS = {**HOUSE["models"], "gpt-5.4": {"context": 4000}, "deepseek-v4-pro": {"context": 4000},
           "claude-sonnet-5": {"context": 9000}}
LONG = "word " * 6000


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-chains.yaml"])
def test_after_too_long_a_prompt_only_a_larger_window_is_asked(gateway, config, stream):
    tollgate = gateway(policy=house(models=WINDOWS), config=config)
    tollgate.fake["openai"].faults("context")
    text, headers = ask(tollgate, stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "anthropic"
    assert asked(tollgate) == ["anthropic", "openai"], "the other small one is not asked"
    assert attempts(tollgate.records(1)[0]) == [("openai", "context_length"), ("anthropic", None)]


def test_where_no_window_is_larger_the_callers_error_is_the_providers(gateway):
    tollgate = gateway(policy=house(models={**WINDOWS, "claude-sonnet-5": {"context": 4000}}))
    tollgate.fake["openai"].faults("context")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(tollgate)
    assert caught.value.code == "context_length_exceeded" and asked(tollgate) == ["openai"]


def test_a_window_that_is_certainly_too_small_is_not_asked_at_all(gateway):
    tollgate = gateway(policy=house(models=WINDOWS))
    text, headers = ask(tollgate, messages=user(LONG))
    assert headers["x-tollgate-provider"] == "anthropic" and headers["x-tollgate-attempts"] == "1"
    (record,) = tollgate.records(1)
    assert [(target["provider"], "window" in target["reason"]) for target in record["tollgate.left_out"]] == [
        ("openai", True), ("deepseek", True)]
    with pytest.raises(openai.BadRequestError) as caught:
        ask(tollgate, messages=user(LONG * 3))
    assert caught.value.code == "context_length_exceeded" and "9000" in caught.value.message
    with pytest.raises(anthropic.BadRequestError):
        tollgate.anthropic(team=team()).messages.create(model="claude", max_tokens=5, messages=user(LONG * 3))
    assert asked(tollgate) == ["anthropic"]


# ── Fewer turns ─────────────────────────────────────────────────────────────────────────────────────────────────────

TRUNCATE = house(models={**WINDOWS, "claude-sonnet-5": {"context": 4000}},
                 recovery={"context_length": {"truncate": {"keep": ["system", {"last": 2}]}}})


def conversation(count=8, words=40):
    turns = [{"role": "system", "content": "Be brief. " + EMAIL}]
    for number in range(count):
        turns.append({"role": "user", "content": "question %d %s" % (number, "word " * words)})
        turns.append({"role": "assistant", "content": "answer %d %s" % (number, "word " * words)})
    return turns + user("the last question to " + OTHER_EMAIL)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-chains.yaml"])
def test_the_oldest_turns_go_after_a_refusal(gateway, config, stream):
    tollgate = gateway(policy=TRUNCATE, config=config)
    tollgate.fake["openai"].faults("context")
    text, headers = ask(tollgate, messages=conversation(), stream=stream)
    assert text == "the last question to " + OTHER_EMAIL and headers["x-tollgate-provider"] == "openai"
    first, second = tollgate.fake["openai"].requests()
    before, after = first["json"]["messages"], second["json"]["messages"]
    gone = len(before) - len(after)
    assert gone > 0 and headers["x-tollgate-truncated"] == str(gone)
    assert after == before[:1] + before[1 + gone:] and after[1]["role"] == "user"
    (record,) = tollgate.records(1)
    assert record["tollgate.truncated"] == gone
    assert attempts(record) == [("openai", "context_length"), ("openai", None)]
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL)


def test_they_go_before_sending_where_it_is_certain_that_they_do_not_fit(gateway):
    tollgate = gateway(policy=TRUNCATE)
    text, headers = ask(tollgate, messages=conversation(words=500))
    assert text == "the last question to " + OTHER_EMAIL and int(headers["x-tollgate-truncated"]) > 8
    assert headers["x-tollgate-attempts"] == "1"
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["json"]["messages"][0]["content"] == "Be brief. <EMAIL_1>"
    assert sent["json"]["messages"][-1]["content"] == "the last question to <EMAIL_2>"


def test_calls_of_tools_go_or_stay_with_their_results(gateway):
    tollgate = gateway(policy=TRUNCATE)
    tollgate.fake["anthropic"].faults({"error": "context_length"})
    turns = user("the task")
    for number in range(12):
        call = {"type": "tool_use", "id": "toolu_%d" % number, "name": "find", "input": {"query": "word " * 40}}
        turns.append({"role": "assistant", "content": [call]})
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "word " * 40}
        turns.append({"role": "user", "content": [result]})
    answer = tollgate.anthropic(team=team()).messages.with_raw_response.create(
        model="claude", max_tokens=50, messages=turns, tools=[{"name": "find", "input_schema": {"type": "object"}}])
    assert int(answer.headers["x-tollgate-truncated"]) > 0
    _, sent = tollgate.fake["anthropic"].requests()
    left = sent["json"]["messages"]
    assert left[0] == turns[0], "the question stays, or the model would have the first word"
    called = [block["id"] for turn in left for block in turn["content"] if isinstance(block, dict) and "id" in block]
    results = [block["tool_use_id"] for turn in left for block in turn["content"]
               if isinstance(block, dict) and "tool_use_id" in block]
    assert called == results and called[-1] == "toolu_11" and "toolu_0" not in called


def test_what_cannot_be_shortened_is_the_providers_to_refuse(gateway):
    tollgate = gateway(policy=TRUNCATE)
    tollgate.fake["openai"].faults("context", sticky=True)
    with pytest.raises(openai.BadRequestError) as caught:
        ask(tollgate)
    assert caught.value.code == "context_length_exceeded"
    assert "x-tollgate-truncated" not in caught.value.response.headers
    with pytest.raises(openai.BadRequestError):
        ask(tollgate, messages=conversation())
    records = tollgate.records(2)
    # Twice with less, and then it is over.
    assert attempts(records[1]) == [("openai", "context_length")] * 3 and len(records) == 2
