"""What is found in a prompt does not leave; what comes back is whole again."""

import asyncio
import json
import re

import anthropic
import openai
import pytest

from house import (AWKWARD, CARD, EMAIL, EMPLOYEE, HOUSE, OTHER_EMAIL, REDACTED, TEXT, TOOLS, asked, assert_nowhere,
                   calls_of, prompt_at, said, secret, team, user)
from wire import send


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


@pytest.fixture
def chat(tollgate):
    return tollgate.openai(team=team()).chat.completions


@pytest.fixture
def messages(tollgate):
    return tollgate.anthropic(team=team()).messages


ANTHROPIC_TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("find", "count")]


# ── Whole answers ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_value_gets_the_same_placeholder_each_time_and_comes_back(tollgate, chat):
    answer = chat.create(model="gpt-5.4", messages=user(TEXT))
    assert answer.choices[0].message.content == TEXT
    assert prompt_at(tollgate, "openai") == REDACTED
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


def test_the_callers_headers_and_the_record_say_how_much_was_redacted(tollgate, chat):
    answer = chat.with_raw_response.create(model="gpt-5.4", messages=user(TEXT))
    assert answer.headers["x-tollgate-decision"] == "redacted"
    assert answer.headers["x-tollgate-redactions"] == "4"
    (record,) = tollgate.records(1)
    assert record["tollgate.findings"] == {"email": 3, "credit_card": 1} and record["tollgate.redactions"] == 4


@pytest.mark.parametrize("value, placeholder", [
    ("anna@example.com", "<EMAIL_1>"), ("+49 6174 396317", "<PHONE_1>"), ("4111-1111-1111-1111", "<CREDIT_CARD_1>"),
    ("DE89 3704 0044 0532 0130 00", "<IBAN_1>"), ("536-22-8726", "<NATIONAL_ID_1>"), (EMPLOYEE, "<EMPLOYEE_ID_1>"),
])
def test_types_of_data_that_are_redacted(tollgate, chat, value, placeholder):
    text = "This is it: %s." % value
    assert chat.create(model="gpt-5.4", messages=user(text)).choices[0].message.content == text
    assert prompt_at(tollgate, "openai") == "This is it: %s." % placeholder


def test_a_value_written_with_escapes_is_found_and_comes_back(tollgate):
    raw = b'{"model":"gpt-5.4","messages":[{"role":"user","content":"to \\u0061nna.keller\\u0040example.org\\n!"}]}'
    answer = send(tollgate.port, raw)
    assert answer.json["choices"][0]["message"]["content"] == "to %s\n!" % EMAIL
    assert prompt_at(tollgate, "openai") == "to <EMAIL_1>\n!"


def test_a_placeholder_that_the_user_wrote_is_not_confused_with_ours(tollgate, chat):
    text = "The literal <EMAIL_1> and <email_2> are not %s." % EMAIL
    assert chat.create(model="gpt-5.4", messages=user(text)).choices[0].message.content == text
    ours = re.findall(r"<EMAIL_\d+>", prompt_at(tollgate, "openai"))
    assert len(set(ours)) == 2
    assert_nowhere(tollgate, EMAIL)


def test_placeholders_as_models_escape_them_are_restored(tollgate, chat):
    tollgate.fake["openai"].faults({"text": "Dear &lt;EMAIL_1&gt;, dear <EMAIL_1>, not <EMAIL_12>, not <EMAIL_3>"})
    answer = chat.create(model="gpt-5.4", messages=user(TEXT))
    assert answer.choices[0].message.content == "Dear %s, dear %s, not <EMAIL_12>, not <EMAIL_3>" % (EMAIL, EMAIL)


def test_what_was_not_redacted_is_not_restored(tollgate, chat):
    tollgate.fake["openai"].faults({"text": "Dear <EMAIL_1>"})
    answer = chat.create(model="gpt-5.4", messages=user("nothing in it"))
    assert answer.choices[0].message.content == "Dear <EMAIL_1>"


# ── Streams ─────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("fault", [
    {"delta": 1}, {"delta": 2}, {"delta": 3}, {"delta": 7}, {"delta": 1000}, {"cut": 1}, {"cut": 13, "delta": 5},
    {"drip": {"bytes": 40, "every": 0.001}},
], ids=str)
def test_a_streamed_placeholder_is_restored_however_it_is_cut(tollgate, chat, fault):
    text = TEXT + " " + AWKWARD
    tollgate.fake["openai"].faults(fault)
    chunks = list(chat.create(model="gpt-5.4", messages=user(text), stream=True))
    assert said(chunks) == text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD, AWKWARD)


def test_text_before_a_placeholder_is_not_held_back(tollgate, chat):
    tollgate.fake["openai"].faults({"delta": 4, "end": "stall", "after": 9})
    stream = chat.create(model="gpt-5.4", messages=user("0123456789 " * 20 + EMAIL), stream=True)
    got = ""
    for chunk in stream:
        got += chunk.choices[0].delta.content or ""
        if len(got) >= 8 * 4:
            break
    stream.close()
    assert got == ("0123456789 " * 20)[:32]


def test_the_choices_of_a_stream_are_restored_each_for_itself(tollgate, chat):
    tollgate.fake["openai"].faults({"delta": 3})
    texts = {0: "", 1: "", 2: ""}
    for chunk in chat.create(model="gpt-5.4", messages=user(TEXT), stream=True, n=3):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {TEXT}
    assert prompt_at(tollgate, "openai") == REDACTED


def test_a_stream_that_ends_within_something_like_a_placeholder_loses_nothing(tollgate, chat):
    tollgate.fake["openai"].faults({"text": "the end is <EMAIL_", "delta": 2})
    assert said(chat.create(model="gpt-5.4", messages=user(TEXT), stream=True)) == "the end is <EMAIL_"


# ── Tools ───────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("model, provider", [("gpt-5.4", "openai"), ("claude", "anthropic")])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_arguments_of_tool_calls_are_restored_with_their_escapes(tollgate, chat, model, provider, stream):
    text = 'use two tools for %s and %s, "so" \\ to\nsay' % (EMAIL, AWKWARD)
    tollgate.fake[provider].faults({"delta": 3})
    answer = chat.create(model=model, messages=user(text), tools=TOOLS, stream=stream)
    if stream:
        calls, finish = calls_of(answer)
    else:
        finish = answer.choices[0].finish_reason
        calls = [(call.function.name, json.loads(call.function.arguments))
                 for call in answer.choices[0].message.tool_calls]
    assert calls == [("find", {"query": text}), ("count", {"query": text})] and finish == "tool_calls"
    assert_nowhere(tollgate, EMAIL, AWKWARD)


@pytest.mark.parametrize("model, provider", [("gpt-5.4", "openai"), ("claude", "anthropic")])
def test_a_history_that_is_sent_again_gets_the_same_placeholders(tollgate, chat, model, provider):
    first = user("use the tool for %s and %s" % (EMAIL, AWKWARD))
    answer = chat.create(model=model, messages=first, tools=TOOLS).choices[0].message
    second = first + [answer.model_dump(exclude_none=True), {
        "role": "tool", "tool_call_id": answer.tool_calls[0].id,
        "content": json.dumps({"owner": EMAIL, "card": CARD, "next": OTHER_EMAIL})}]
    end = chat.create(model=model, messages=second, tools=TOOLS).choices[0].message.content
    assert end == "The tool said: " + second[-1]["content"]
    one, two = (request["json"]["messages"] for request in tollgate.fake[provider].requests())
    assert two[0] == one[0]
    sent = json.dumps(two)
    assert "<EMAIL_1>" in json.dumps(two[1]) and "<AWKWARD_1>" in json.dumps(two[1])
    assert "<EMAIL_1>" in json.dumps(two[2]) and "<EMAIL_2>" in json.dumps(two[2]) and "<EMAIL_3>" not in sent
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD, AWKWARD)


def test_numbers_in_arguments_and_results_are_read_too(tollgate, chat):
    number = CARD.replace(" ", "")
    history = user("hello") + [
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {
            "name": "find", "arguments": '{"card": %s, "amount": 7.50}' % number}}]},
        {"role": "tool", "tool_call_id": "a", "content": '{"card": %s, "n": 12}' % number}]
    answer = chat.create(model="gpt-5.4", messages=history)
    assert answer.choices[0].message.content == "The tool said: " + history[-1]["content"]
    (request,) = tollgate.fake["openai"].requests()
    sent = request["json"]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"card": "<CREDIT_CARD_1>", "amount": 7.5} and "7.50" in sent
    assert_nowhere(tollgate, CARD)


# ── Everywhere that text stands ─────────────────────────────────────────────────────────────────────────────────────

PLACES = {
    "system": lambda v: {"messages": [{"role": "system", "content": "serve " + v}] + user("hi")},
    "developer": lambda v: {"messages": [{"role": "developer", "content": "serve " + v}] + user("hi")},
    "assistant": lambda v: {"messages": user("hi") + [{"role": "assistant", "content": v}] + user("so?")},
    "part": lambda v: {"messages": user([{"type": "text", "text": "a"}, {"type": "text", "text": "b " + v}])},
    "system part": lambda v: {"messages": [{"role": "system", "content": [{"type": "text", "text": v}]}] + user("hi")},
    "name": lambda v: {"messages": user("hi", name=v)},
    "tool result part": lambda v: {"messages": user("hi") + [
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function",
                                              "function": {"name": "find", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": v}]}]},
    "tool description": lambda v: {"tools": [{"type": "function", "function": {
        "name": "find", "description": "asks " + v, "parameters": {"type": "object"}}}]},
    "parameter description": lambda v: {"tools": [{"type": "function", "function": {
        "name": "find", "parameters": {"type": "object", "properties": {
            "who": {"type": "string", "description": "like " + v, "enum": [v], "default": v}}}}}]},
    "schema of the answer": lambda v: {"response_format": {"type": "json_schema", "json_schema": {
        "name": "who", "schema": {"type": "object", "properties": {"a": {"type": "string", "description": v}}}}}},
    "prediction": lambda v: {"prediction": {"type": "content", "content": "perhaps " + v}},
    "user": lambda v: {"user": v},
    "safety identifier": lambda v: {"safety_identifier": v},
    "metadata": lambda v: {"metadata": {"owner": v}},
    "stop": lambda v: {"stop": ["\n", v]},
    "unknown field": lambda v: {"x_new": {"deep": [{"text": v}]}},
    "unknown key": lambda v: {"x_new": {v: 1}},
    "arguments that are no JSON": lambda v: {"messages": user("hi") + [
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function",
                                              "function": {"name": "find", "arguments": '{"to": "' + v}}]},
        {"role": "tool", "tool_call_id": "a", "content": "ok"}]},
    "image link": lambda v: {"messages": user([
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/?who=" + v}}])},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_found_wherever_it_stands(tollgate, place):
    asked_for = {"model": "gpt-5.4", "messages": user("hi"), **PLACES[place](EMAIL)}
    answer = send(tollgate.port, asked_for)
    assert answer.status == 200, answer.text
    (request,) = tollgate.fake["openai"].requests()
    assert "EMAIL_1" in request["body"]
    assert_nowhere(tollgate, EMAIL)


def test_what_nothing_was_found_in_leaves_byte_for_byte(tollgate):
    sent = b'{ "model":"gpt-5.4",\n\t"messages" : [ {"role":"user","content":"caf\\u00e9 \\/ 1"} ],' \
           b'"temperature":1.0E0 ,"seed":12345678901234567890, "n":1}'
    assert send(tollgate.port, sent).status == 200
    (request,) = tollgate.fake["openai"].requests()
    without_opt_out = re.sub(r'\s*,\s*"store"\s*:\s*false', "", request["body"])
    assert without_opt_out.encode() == sent and request["json"]["store"] is False


# ── What the policy says of a type ──────────────────────────────────────────────────────────────────────────────────

def test_what_is_allowed_stays(tollgate, chat):
    text = "support@example.com, test-17@example.com, but %s" % EMAIL
    assert chat.create(model="gpt-5.4", messages=user(text)).choices[0].message.content == text
    assert prompt_at(tollgate, "openai") == "support@example.com, test-17@example.com, but <EMAIL_1>"


def test_what_is_only_reported_stays_and_is_recorded(tollgate, chat):
    text = "the machine is 10.188.194.202"
    answer = chat.with_raw_response.create(model="gpt-5.4", messages=user(text))
    assert prompt_at(tollgate, "openai") == text and answer.headers["x-tollgate-decision"] == "allowed"
    (record,) = tollgate.records(1)
    assert record["tollgate.findings"] == {"ip_address": 1} and record["tollgate.redactions"] == 0


@pytest.mark.parametrize("value, kind", [("OPERATION-BLUE", "codeword"), (secret(), "secret")])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_blocked_is_refused_and_says_the_type_not_the_value(tollgate, chat, value, kind, stream):
    with pytest.raises(openai.BadRequestError) as raised:
        chat.create(model="smart", messages=user("this: %s and %s" % (value, EMAIL)), stream=stream)
    assert raised.value.body["code"] == "blocked" and kind in raised.value.body["message"]
    assert value not in str(raised.value.body)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert raised.value.response.headers["x-tollgate-decision"] == "blocked"
    assert asked(tollgate) == []
    (record,) = tollgate.records(1)
    assert record["error.type"] == "blocked" and record["tollgate.findings"][kind] == 1
    assert_nowhere(tollgate, value, EMAIL)


def test_anthropics_sdk_is_told_of_a_block_in_its_own_dialect(tollgate, messages):
    with pytest.raises(anthropic.BadRequestError) as raised:
        messages.create(model="claude-sonnet-5", max_tokens=50, messages=user("OPERATION-BLUE"))
    assert raised.value.body["type"] == "error" and "codeword" in raised.value.body["error"]["message"]


# ── Other clients ───────────────────────────────────────────────────────────────────────────────────────────────────

async def test_many_at_once_each_get_their_own_values_back(tollgate):
    client = tollgate.openai(team=team(), asynchronous=True)
    texts = ["Write to person.%d@example.org, %s" % (number, EMAIL) for number in range(30)]

    async def ask(number):
        if number % 2:
            answer = await client.chat.completions.create(model="gpt-5.4", messages=user(texts[number]))
            return answer.choices[0].message.content
        stream = await client.chat.completions.create(model="gpt-5.4", messages=user(texts[number]), stream=True)
        return said([chunk async for chunk in stream])

    assert await asyncio.gather(*map(ask, range(30))) == texts
    assert_nowhere(tollgate, "person.", EMAIL)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_anthropics_sdk_gets_its_values_back(tollgate, messages, stream):
    asked_for = dict(model="claude-sonnet-5", max_tokens=100, system=[{"type": "text", "text": "serve " + EMPLOYEE}],
                     messages=user([{"type": "text", "text": TEXT}]))
    tollgate.fake["anthropic"].faults({"delta": 3})
    if stream:
        with messages.stream(**asked_for) as events:
            answer = events.get_final_message()
    else:
        answer = messages.create(**asked_for)
    assert answer.content[0].text == TEXT and answer.stop_reason == "end_turn"
    (request,) = tollgate.fake["anthropic"].requests()
    assert request["json"]["messages"][0]["content"][0]["text"] == REDACTED
    assert request["json"]["system"][0]["text"] == "serve <EMPLOYEE_ID_1>"
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD, EMPLOYEE)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_anthropics_tools_get_their_values_back(tollgate, messages, stream):
    text = 'use two tools for %s and %s, "so"' % (EMAIL, AWKWARD)
    asked_for = dict(model="claude-sonnet-5", max_tokens=100, messages=user(text), tools=ANTHROPIC_TOOLS)
    tollgate.fake["anthropic"].faults({"delta": 3})
    if stream:
        with messages.stream(**asked_for) as events:
            answer = events.get_final_message()
    else:
        answer = messages.create(**asked_for)
    assert [(block.name, block.input) for block in answer.content] == [
        ("find", {"query": text}), ("count", {"query": text})]
    assert_nowhere(tollgate, EMAIL, AWKWARD)


def test_an_anthropic_history_gets_the_same_placeholders(tollgate, messages):
    turns = user("use the tool for %s" % EMAIL)
    asked_for = dict(model="claude-sonnet-5", max_tokens=100, tools=ANTHROPIC_TOOLS)
    answer = messages.create(messages=turns, **asked_for)
    call = answer.content[0]
    turns = turns + [
        {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": "%s, %s" % (OTHER_EMAIL, EMAIL)}]}]
    answer = messages.create(messages=turns, **asked_for)
    assert answer.content[0].text == "The tool said: %s, %s" % (OTHER_EMAIL, EMAIL)
    one, two = (request["json"]["messages"] for request in tollgate.fake["anthropic"].requests())
    assert two[0] == one[0] and two[1]["content"][0]["input"] == {"query": "use the tool for <EMAIL_1>"}
    assert two[2]["content"][0]["content"] == "<EMAIL_2>, <EMAIL_1>"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_restoring_can_be_left_out(gateway, stream):
    tollgate = gateway(policy=dict(HOUSE, data=dict(HOUSE["data"], restore=False)), concurrency=1)
    answer = tollgate.openai(team=team()).chat.completions.create(model="gpt-5.4", messages=user(TEXT), stream=stream)
    assert (said(answer) if stream else answer.choices[0].message.content) == REDACTED
