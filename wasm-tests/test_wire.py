"""However the bytes are cut, framed or interrupted, the result is the same."""

import json
import time

import httpx
import pytest

from harness import with_trailers
from house import CARD, EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, asked, assert_nowhere, body, prompt_at, team, user
from wire import CHAT, JSON, KEY, MESSAGES, Connection, chunked, head, http2, request, send, wait_for


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


@pytest.fixture
def with_h1_trailers(gateway):
    return gateway(policy=HOUSE, edit=with_trailers)


def text_of(answer):
    assert answer.status == 200, answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        *events, last = answer.events()
        assert last == "[DONE]"
        return "".join(choice["delta"].get("content") or ""
                       for event in events for choice in json.loads(event)["choices"])
    return answer.json["choices"][0]["message"]["content"]


def assert_whole(tollgate, answer):
    assert answer.ended and text_of(answer) == TEXT
    assert prompt_at(tollgate, "openai") == REDACTED
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


# ── Requests in pieces ──────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_chunked_request_is_read_however_it_is_cut(tollgate, size, stream):
    data = body(stream=stream)
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "transfer-encoding: chunked"]) + chunked(pieces))
        assert_whole(tollgate, connection.answer())


def test_a_request_that_trickles_in_is_read(tollgate):
    data = body()
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "content-length: %d" % len(data)]))
        for at in range(0, len(data), 11):
            connection.send(data[at:at + 11])
            time.sleep(0.002)
        assert_whole(tollgate, connection.answer())


def test_a_client_that_waits_for_100_continue_is_served(tollgate):
    data = body()
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "expect: 100-continue", "content-length: %d" % len(data)]))
        assert connection.head()[0] == 100
        connection.send(data)
        assert_whole(tollgate, connection.answer())


def test_requests_of_one_connection_do_not_mix(tollgate):
    with Connection(tollgate.port) as connection:
        for number in range(10):
            text = "person.%d@example.org" % number
            connection.send(request(body(text, model="gpt-5.4", stream=number % 2 == 0)))
            answer = connection.answer()
            assert text_of(answer) == text and answer.ended
    assert_nowhere(tollgate, "person.")


def test_pipelined_requests_are_answered_in_order(tollgate):
    texts = ["person.%d@example.org" % number for number in range(4)]
    tollgate.fake["openai"].faults({"delay": 0.1}, "ok", {"delay": 0.1}, "ok")
    with Connection(tollgate.port) as connection:
        connection.send(b"".join(request(body(text, model="gpt-5.4", stream=bool(number % 2)))
                                 for number, text in enumerate(texts)))
        assert [text_of(connection.answer()) for _ in texts] == texts
    assert_nowhere(tollgate, "person.")


def test_a_refusal_between_pipelined_requests_leaves_the_others_alone(tollgate):
    with Connection(tollgate.port) as connection:
        good, bad = request(body(model="gpt-5.4")), request(body("OPERATION-BLUE"))
        connection.send(good + bad + good)
        assert text_of(connection.answer()) == TEXT
        assert connection.answer().status == 400
        try:
            assert text_of(connection.answer()) == TEXT
        except EOFError:
            pass  # Envoy may close a connection after an answer of its own, as HTTP/1.1 allows
    tollgate.records(2)


# ── Aborts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("sent", [0, 1, 60])
def test_a_client_that_leaves_within_its_request_leaves_nothing_behind(tollgate, sent):
    data = body()
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "content-length: %d" % len(data)]) + data[:sent])
        time.sleep(0.05)
    (line,) = tollgate.access_log(1)
    assert line["record"] is not None
    assert asked(tollgate) == [] and text_of(send(tollgate.port, body())) == TEXT


@pytest.mark.parametrize("fault", ["stall", "stall-headers", {"end": "stall", "after": 1}, "stall-mid", {"delay": 5}],
                         ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_within_its_answer_frees_the_provider(tollgate, fault, stream):
    if isinstance(fault, dict) and "after" in fault and not stream:
        fault = {"end": "stall", "after": 100}
    tollgate.fake["openai"].faults(fault)
    with Connection(tollgate.port) as connection:
        connection.send(request(body(stream=stream)))
        wait_for(lambda: tollgate.fake["openai"].requests(), "request")
        time.sleep(0.1)
    tollgate.records(1)
    wait_for(lambda: tollgate.fake["openai"].requests()[0]["ended"] != "unfinished", "end")
    assert asked(tollgate) == ["openai"]  # nobody waits any more: no fail-over
    assert text_of(send(tollgate.port, body())) == TEXT


def test_a_record_of_a_client_that_left_midway_says_so(tollgate):
    tollgate.fake["openai"].faults({"drip": {"bytes": 200, "every": 0.02}})
    with Connection(tollgate.port) as connection:
        connection.send(request(body(stream=True)))
        connection.until(b"Wri")
    (record,) = tollgate.records(1)
    assert record["tollgate.aborted"] is True and record["tollgate.stream"] is True
    assert "class" not in record["tollgate.attempts"][0]  # the provider did nothing wrong


# ── HTTP/2 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_http2_client_is_served(tollgate, stream):
    with httpx.Client(http1=False, http2=True, trust_env=False, timeout=15) as client:
        answer = client.post(tollgate.url + CHAT, content=body(stream=stream),
                             headers={"content-type": "application/json", "authorization": "Bearer sk-test"})
    assert answer.http_version == "HTTP/2" and answer.status_code == 200
    assert_nowhere(tollgate, EMAIL, CARD)
    assert prompt_at(tollgate, "openai") == REDACTED
    if not stream:
        assert answer.json()["choices"][0]["message"]["content"] == TEXT


@pytest.mark.parametrize("piece", [1, 50, 16384])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_that_ends_with_trailers_is_read(tollgate, stream, piece):
    answer = http2(tollgate.port, body(stream=stream), trailers=[("x-checksum", "abc")], piece=piece)
    assert_whole(tollgate, answer)


def test_a_bad_request_that_ends_with_trailers_is_refused(tollgate):
    answer = http2(tollgate.port, b'{"a":', trailers=[("x-checksum", "abc")])
    assert answer.status == 400 and answer.json["error"]["code"] == "invalid_json" and asked(tollgate) == []


def test_trailers_alone_are_an_empty_body(tollgate):
    answer = http2(tollgate.port, b"", trailers=[("x-checksum", "abc")])
    assert answer.status == 400 and answer.json["error"]["code"] == "empty_body"


def test_a_request_with_trailers_fails_over(tollgate):
    tollgate.fake["openai"].faults("429")
    tollgate.fake["deepseek"].faults("reset")
    answer = http2(tollgate.port, body(), trailers=[("x-checksum", "abc")])
    assert text_of(answer) == TEXT and answer.headers["x-tollgate-provider"] == "anthropic"


def test_our_own_names_do_not_pass_as_trailers_either(with_h1_trailers):
    answer = http2(with_h1_trailers.port, body(), trailers=[("x-tollgate-exchange", "x"), ("x-other", "y")])
    assert text_of(answer) == TEXT
    (sent,) = with_h1_trailers.fake["openai"].requests()
    assert "x-tollgate-exchange" not in dict(sent["trailers"])


def test_many_streams_of_one_http2_connection_do_not_mix(tollgate):
    import asyncio

    async def all_of_them():
        async with httpx.AsyncClient(http1=False, http2=True, trust_env=False, timeout=15) as client:
            async def one(number):
                text = "person.%d@example.org" % number
                answer = await client.post(
                    tollgate.url + CHAT, content=body(text, model="gpt-5.4"),
                    headers={"content-type": "application/json", "authorization": "Bearer sk-test"})
                return answer.json()["choices"][0]["message"]["content"] == text
            return await asyncio.gather(*map(one, range(40)))

    assert all(asyncio.run(all_of_them()))
    assert_nowhere(tollgate, "person.")


# ── Answers in odd forms ────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("fault", ["crlf", "cr", "bom", "comments", "split-data", "bytes", {"cut": 3},
                                   {"bom": True, "cut": 1}, {"line_ends": "crlf", "cut": 1},
                                   {"comments": True, "split_data": True, "cut": 17},
                                   {"line_ends": "cr", "cut": 1}], ids=str)
@pytest.mark.parametrize("model, provider", [("smart", "openai"), ("claude", "anthropic")])
def test_odd_but_valid_streams_are_read(tollgate, fault, model, provider):
    tollgate.fake[provider].faults(fault)
    chat = tollgate.openai(team=team()).chat.completions
    chunks = list(chat.create(model=model, messages=user(TEXT), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len(tollgate.records(1)[0]["tollgate.attempts"]) == 1
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


# (A byte order mark is more than that SDK reads, with or without us.)
@pytest.mark.parametrize("fault", ["crlf", "comments", "split-data", "bytes"])
def test_odd_but_valid_streams_reach_anthropics_sdk(tollgate, fault):
    tollgate.fake["anthropic"].faults(fault)
    with tollgate.anthropic(team=team()).messages.stream(
            model="claude-sonnet-5", max_tokens=100, messages=user(TEXT)) as events:
        assert events.get_final_message().content[0].text == TEXT
    assert prompt_at(tollgate, "anthropic") == REDACTED


@pytest.mark.parametrize("cut", [1, 2, 100])
@pytest.mark.parametrize("model, provider", [("smart", "openai"), ("claude", "anthropic")])
def test_a_whole_answer_in_pieces_is_read(tollgate, cut, model, provider):
    tollgate.fake[provider].faults({"cut": cut})
    answer = send(tollgate.port, body(model=model))
    assert text_of(answer) == TEXT
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_with_trailers_is_restored(with_h1_trailers, stream):
    with_h1_trailers.fake["openai"].faults("trailers")
    answer = send(with_h1_trailers.port, body(stream=stream))
    assert_whole(with_h1_trailers, answer)
    # A body with a length has no place for trailers in HTTP/1.1.
    assert answer.trailers == ({} if "content-length" in answer.headers else {"x-fake-trailer": "1"})
    assert answer.trailers or not stream


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_failure_with_trailers_fails_over(with_h1_trailers, stream):
    trailers = {"trailers": {"x-fake-trailer": "1"}}
    with_h1_trailers.fake["openai"].faults(
        {"error_event": "overloaded", "after_events": 0, **trailers} if stream else {"status": 429, **trailers})
    answer = send(with_h1_trailers.port, body(stream=stream))
    assert text_of(answer) == TEXT and answer.headers["x-tollgate-provider"] == "deepseek"
    assert answer.trailers == {}


def test_a_stream_that_is_cut_short_before_its_trailers_is_no_clean_end(with_h1_trailers):
    with_h1_trailers.fake["openai"].faults({
        "error_event": "overloaded", "after_events": 7, "trailers": {"x-fake-trailer": "1"},
        "drip": {"bytes": 150, "every": 0.01}})
    answer = send(with_h1_trailers.port, body(stream=True))
    assert answer.status == 200 and "[DONE]" not in answer.text
    assert with_h1_trailers.records(1)[0]["error.type"] == "overloaded"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_providers_are_not_asked_for_compressed_answers(tollgate, stream):
    answer = send(tollgate.port, body(stream=stream), headers=["accept-encoding: gzip, br"])
    assert text_of(answer) == TEXT
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["headers"].get("accept-encoding", "identity") == "identity"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_provider_that_compresses_all_the_same_is_passed_over(tollgate, stream):
    tollgate.fake["openai"].faults("gzip")
    answer = send(tollgate.port, body(stream=stream))
    assert text_of(answer) == TEXT and answer.headers["x-tollgate-provider"] == "deepseek"
    assert "content-encoding" not in answer.headers


def test_a_lone_provider_that_compresses_is_an_error_not_a_jumble(tollgate):
    tollgate.fake["openai"].faults("gzip")
    answer = send(tollgate.port, body(model="gpt-5.4"))
    assert answer.status == 502 and answer.json["error"]["code"] == "broken_response"
    assert "content-encoding" not in answer.headers


def test_an_answers_length_is_that_of_what_the_caller_gets(tollgate):
    for fault in ({}, {"cut": 10}, {"text": "Dear <EMAIL_1>" * 50}, "400"):
        tollgate.fake["openai"].faults(fault)
        with Connection(tollgate.port) as connection:
            connection.send(request(body(model="gpt-5.4")))
            answer = connection.answer()
            assert answer.ended and answer.json
            connection.send(request(body(model="gpt-5.4")))
            assert connection.answer().json


def test_a_large_answer_comes_through_whole(tollgate):
    text = " ".join("Dear <EMAIL_1> and <EMAIL_2>," for _ in range(4000))
    tollgate.fake["openai"].faults({"text": text, "delta": 50})
    answer = send(tollgate.port, body(model="gpt-5.4", stream=True))
    assert text_of(answer) == text.replace("<EMAIL_1>", EMAIL).replace("<EMAIL_2>", OTHER_EMAIL)


def test_a_stream_reaches_its_caller_as_it_comes(tollgate):
    tollgate.fake["openai"].faults({"drip": {"bytes": 500, "every": 0.05}, "text": "word " * 60, "delta": 30})
    with Connection(tollgate.port) as connection:
        started = time.monotonic()
        connection.send(request(body(model="gpt-5.4", stream=True)))
        connection.until(b"word ")
        first = time.monotonic() - started
        connection.until(b"[DONE]")
        last = time.monotonic() - started
    assert first < last / 2


def test_anthropics_stream_keeps_its_pings(tollgate):
    answer = send(tollgate.port, {"model": "claude-sonnet-5", "max_tokens": 50, "messages": user(TEXT), "stream": True},
                  path=MESSAGES, headers=["anthropic-version: 2023-06-01"])
    assert answer.text.count("event: ping") == 1 and answer.text.rstrip().endswith('}')
    assert "event: message_stop" in answer.text
