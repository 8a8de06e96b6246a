"""The fakes must be what they claim to be, or the tests that lean on them prove nothing: official SDKs against them."""

import gzip
import json
import socket
import time

import anthropic
import openai
import pytest

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
         for name in ("find", "count")]
ANTHROPIC_TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("find", "count")]
TEXT = "Grüezi anna@example.org, twice: anna@example.org"


def user(text):
    return [{"role": "user", "content": text}]


@pytest.fixture
def chat(fakes):
    with openai.OpenAI(base_url=fakes["openai"].url + "/v1", api_key="sk-test", max_retries=0, timeout=10,
                       http_client=openai.DefaultHttpxClient(trust_env=False)) as client:
        yield client.chat.completions


@pytest.fixture
def messages(fakes):
    with anthropic.Anthropic(base_url=fakes["anthropic"].url, api_key="sk-test", max_retries=0, timeout=10,
                             http_client=anthropic.DefaultHttpxClient(trust_env=False)) as client:
        yield client.messages


class Raw:
    """A response as the bytes on the wire, read until the connection ends, says nothing more, or has said enough."""

    def __init__(self, port, body, path="/v1/chat/completions", headers=(), wait=0.5, enough=10**9):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = ["POST %s HTTP/1.1" % path, "host: fake", "connection: close", "authorization: Bearer k",
                "content-length: %d" % len(payload)]
        self.error = None
        data = b""
        with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
            connection.sendall("\r\n".join(head + list(headers)).encode() + b"\r\n\r\n" + payload)
            try:
                while len(data) < enough:
                    more = connection.recv(65536)
                    if not more:
                        break
                    data += more
            except OSError as error:
                self.error = error
        self.head, _, self.wire = data.partition(b"\r\n\r\n")
        self.chunks = []
        rest = self.wire
        while b"chunked" in self.head and rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            if length == 0:
                break
            self.chunks.append(rest[:length])
            rest = rest[length + 2:]
        self.trailers = rest.strip()
        self.ended = self.wire.endswith(b"0\r\n\r\n") if self.chunks else None
        self.body = b"".join(self.chunks) if self.chunks else self.wire


@pytest.fixture
def raw(fakes):
    def send(fault, stream=True, text=TEXT, **more):
        body = {"model": "gpt-5.4", "messages": user(text), "stream": stream}
        fakes["openai"].faults(fault)
        return Raw(fakes["openai"].port, body, **more)
    return send


# ── What goes well ──────────────────────────────────────────────────────────────────────────────────────────────────

def test_openai_echoes_and_counts_words(chat):
    answer = chat.create(model="gpt-5.4", messages=[{"role": "system", "content": "be brief"}] + user(TEXT))
    assert answer.choices[0].message.content == TEXT
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 4)


def test_openai_streams_in_small_deltas_without_usage(chat):
    chunks = list(chat.create(model="gpt-5.4", messages=user(TEXT), stream=True))
    deltas = [chunk.choices[0].delta.content for chunk in chunks[1:-1]]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(deltas) == TEXT and max(map(len, deltas)) == 4
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_openai_sends_usage_in_a_stream_only_on_request(chat):
    stream = chat.create(model="gpt-5.4", messages=user(TEXT), stream=True, stream_options={"include_usage": True})
    last = list(stream)[-1]
    assert last.choices == [] and last.usage.total_tokens == 8


@pytest.mark.parametrize("stream", [False, True])
def test_openai_calls_tools_in_parallel_and_reads_their_results(chat, stream):
    text = "use two tools for anna@example.org"
    answer = chat.create(model="gpt-5.4", messages=user(text), tools=TOOLS, stream=stream)
    if stream:
        calls = {}
        for chunk in answer:
            for call in chunk.choices[0].delta.tool_calls or []:
                name, arguments = calls.get(call.index, ("", ""))
                calls[call.index] = (name + (call.function.name or ""), arguments + call.function.arguments)
            finish = chunk.choices[0].finish_reason
        calls = list(calls.values())
    else:
        finish = answer.choices[0].finish_reason
        calls = [(call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls]
    assert finish == "tool_calls"
    assert [(name, json.loads(arguments)) for name, arguments in calls] == [
        ("find", {"query": text}), ("count", {"query": text})]
    turn = user(text) + [{"role": "assistant", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "find", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "found it"}]
    answer = chat.create(model="gpt-5.4", messages=turn, tools=TOOLS)
    assert answer.choices[0].message.content == "The tool said: found it"


def test_anthropic_echoes_whole_and_streamed(messages):
    answer = messages.create(model="claude-sonnet-5", max_tokens=100, messages=user(TEXT))
    assert answer.content[0].text == TEXT and answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 4)
    with messages.stream(model="claude-sonnet-5", max_tokens=100, messages=user(TEXT)) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == TEXT
    assert (final.usage.input_tokens, final.usage.output_tokens) == (4, 4)


def test_anthropic_calls_tools_whole_and_streamed(messages):
    asked = dict(model="claude-sonnet-5", max_tokens=100, messages=user("use two tools"), tools=ANTHROPIC_TOOLS)
    with messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for answer in (messages.create(**asked), streamed):
        assert answer.stop_reason == "tool_use"
        assert [(block.name, block.input) for block in answer.content] == [
            ("find", {"query": "use two tools"}), ("count", {"query": "use two tools"})]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "found it"}]}
    call = {"type": "tool_use", "id": "a", "name": "find", "input": {}}
    turn = user("x") + [{"role": "assistant", "content": [call]}, result]
    answer = messages.create(model="claude-sonnet-5", max_tokens=100, messages=turn)
    assert answer.content[0].text == "The tool said: found it"


def test_max_tokens_cuts_the_answer_short(chat, messages):
    answer = chat.create(model="gpt-5.4", max_completion_tokens=2, messages=user("one two three"))
    assert answer.choices[0].message.content == "one two" and answer.choices[0].finish_reason == "length"
    answer = messages.create(model="claude-sonnet-5", max_tokens=2, messages=user("one two three"))
    assert answer.content[0].text == "one two" and answer.stop_reason == "max_tokens"


def test_deepseek_puts_the_usage_in_the_last_choice(fakes):
    body = {"model": "deepseek-v4-flash", "messages": user("hi"), "stream": True, "max_tokens": 5}
    events = Raw(fakes["deepseek"].port, body, path="/chat/completions").body.decode().split("\n\n")
    last = json.loads(events[-3][len("data: "):])
    assert last["choices"][0]["finish_reason"] == "stop" and last["usage"]["prompt_cache_miss_tokens"] == 1
    assert events[-2] == "data: [DONE]"


# ── What the real ones refuse ───────────────────────────────────────────────────────────────────────────────────────

def test_no_key_is_refused_in_the_dialect(fakes):
    with pytest.raises(openai.AuthenticationError):
        client = openai.OpenAI(base_url=fakes["openai"].url + "/v1", api_key="-", max_retries=0,
                               default_headers={"Authorization": ""},
                               http_client=openai.DefaultHttpxClient(trust_env=False))
        client.chat.completions.create(model="gpt-5.4", messages=user("hi"))


def test_anthropic_wants_its_version_header_and_max_tokens(fakes):
    port, body = fakes["anthropic"].port, {"model": "claude-sonnet-5", "messages": user("hi")}
    without_version = Raw(port, dict(body, max_tokens=5), path="/v1/messages")
    assert b" 400 " in without_version.head and b"anthropic-version" in without_version.body
    without_bound = Raw(port, body, path="/v1/messages", headers=["anthropic-version: 2023-06-01"])
    assert b"max_tokens: Field required" in without_bound.body


@pytest.mark.parametrize("provider, path, field, message", [
    ("anthropic", "/v1/messages", "store", b"store: Extra inputs are not permitted"),
    ("mistral", "/v1/chat/completions", "store", b"extra_forbidden"),
    ("openai", "/v1/chat/completions", "max_tokens", b"unsupported_parameter"),
])
def test_fields_that_a_provider_does_not_take(fakes, provider, path, field, message):
    body = {"model": "gpt-5.4", "messages": user("hi"), field: 5}
    if provider == "anthropic":
        body["max_tokens"] = 5
    answer = Raw(fakes[provider].port, body, path=path, headers=["anthropic-version: 2023-06-01"])
    assert message in answer.body


# ── What is recorded ────────────────────────────────────────────────────────────────────────────────────────────────

def test_requests_are_recorded_as_received(fakes):
    body = b'{"model": "gpt-5.4",  "messages": [{"role":"user","content":"\\u00e9"}]}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:10], body[10:]))
    with socket.create_connection(("127.0.0.1", fakes["openai"].port), timeout=5) as connection:
        connection.sendall(b"POST /inner/v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer k\r\nX-One: 1\r\n"
                           b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\nx-trailer: t\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
    (request,) = fakes["openai"].requests()
    assert request["body"].encode() == body
    assert request["path"] == "/inner/v1/chat/completions" and request["headers"]["x-one"] == "1"
    assert request["trailers"] == [["x-trailer", "t"]] and request["ended"] == "whole"
    assert fakes["openai"].usage() == {"requests": 1, "answers": 1, "input": 1, "output": 1}


def test_a_client_that_leaves_is_recorded_as_such(fakes, raw):
    raw({"drip": {"bytes": 1, "every": 0.05}}, enough=300)
    deadline = time.monotonic() + 5
    while fakes["openai"].requests()[0]["ended"] == "unfinished" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert fakes["openai"].requests()[0]["ended"] == "aborted"


# ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("fault, error", [
    ("400", openai.BadRequestError), ("401", openai.AuthenticationError), ("404", openai.NotFoundError),
    ("429", openai.RateLimitError), ("500", openai.InternalServerError), ("503", openai.InternalServerError),
    ("context", openai.BadRequestError), ("quota", openai.RateLimitError),
])
def test_openai_errors_raise_the_proper_class(fakes, chat, fault, error):
    fakes["openai"].faults(fault)
    with pytest.raises(error) as raised:
        chat.create(model="gpt-5.4", messages=user("hi"))
    assert raised.value.body["message"]


@pytest.mark.parametrize("fault, error", [
    ("400", anthropic.BadRequestError), ("401", anthropic.AuthenticationError), ("429", anthropic.RateLimitError),
    ("500", anthropic.InternalServerError), ("529", anthropic.APIStatusError),
])
def test_anthropic_errors_raise_the_proper_class(fakes, messages, fault, error):
    fakes["anthropic"].faults(fault)
    with pytest.raises(error) as raised:
        messages.create(model="claude-sonnet-5", max_tokens=5, messages=user("hi"))
    assert raised.value.body["error"]["message"]


def test_faults_are_ordered_by_plan_by_header_and_by_model(fakes, chat):
    def statuses(count, **options):
        return [chat.with_raw_response.create(**{"model": "gpt-5.4", "messages": user("hi"), **options}).status_code
                if planned == 200 else failing(**options) for planned in count]

    def failing(**options):
        with pytest.raises(openai.APIStatusError) as raised:
            chat.create(**{"model": "gpt-5.4", "messages": user("hi"), **options})
        return raised.value.status_code

    fakes["openai"].faults("429", "ok", {"status": 503})
    assert statuses([429, 200, 503, 200]) == [429, 200, 503, 200]
    fakes["openai"].faults("500", sticky=True)
    assert statuses([500, 500]) == [500, 500]
    fakes["openai"].reset()
    assert statuses([503], extra_headers={"x-fake-fault": "503"}) == [503]
    assert statuses([429], model="gpt-5.4-fail-429") == [429]


def test_an_unknown_fault_is_an_error_not_a_silence(fakes):
    with pytest.raises(Exception, match="unknown fault"):
        fakes["openai"].faults("no-such-thing")


def test_retry_after_can_be_chosen(raw):
    assert b"retry-after: 7\r\n" in raw({"status": 429, "retry_after": 7}).head + b"\r\n"


def test_delay_comes_before_the_headers(raw):
    started = time.monotonic()
    raw({"delay": 0.3}, wait=0.6)
    assert time.monotonic() - started > 0.3


def test_resets(raw):
    assert (lambda r: (r.head, type(r.error)))(raw("reset")) == (b"", ConnectionResetError)
    after_headers = raw("reset-headers")
    assert b"200 OK" in after_headers.head and after_headers.wire == b"" and after_headers.error
    middle = raw("reset-mid")
    assert len(middle.chunks) == 4 and isinstance(middle.error, ConnectionResetError)


def test_stalls(raw):
    before = raw("stall")
    assert before.head == b"" and isinstance(before.error, socket.timeout)
    headers = raw("stall-headers")
    assert b"200 OK" in headers.head and headers.wire == b"" and isinstance(headers.error, socket.timeout)
    assert len(raw("stall-mid").chunks) == 4


def test_streams_that_end_early(raw):
    clean, closed = raw("truncated"), raw("closed")
    assert len(clean.chunks) == len(closed.chunks) == 4
    assert clean.ended and not closed.ended
    assert b"[DONE]" not in clean.body


def test_bodies_that_end_early(raw):
    clean = raw({"end": "clean", "after": 100}, stream=False)
    assert len(clean.body) == 100 and b"content-length: 100" in clean.head
    closed = raw({"end": "close", "after": 100}, stream=False)
    assert len(closed.body) == 100 and b"content-length: 100" not in closed.head


def test_bodies_that_are_no_answer(raw):
    assert raw("garbage", stream=False).body.startswith(b"\x00\x01{{{")
    html = raw("html", stream=False)
    assert b"200 OK" in html.head and b"text/html" in html.head and html.body.startswith(b"<html>")
    assert raw("empty", stream=False).body == b""


def test_error_events_first_and_in_the_middle(raw, fakes):
    first = raw("error-first").body
    assert b"200 OK" in raw("error-first").head and first.startswith(b'data: {"error":') and first.count(b"data:") == 2
    assert raw("error-mid").body.count(b"data:") == 6
    fakes["anthropic"].faults("error-first")
    body = {"model": "claude-sonnet-5", "max_tokens": 5, "messages": user("hi"), "stream": True}
    event = Raw(fakes["anthropic"].port, body, path="/v1/messages", headers=["anthropic-version: 2023-06-01"]).body
    assert event.startswith(b"event: error\n") and b"overloaded_error" in event


def test_odd_but_valid_streams(raw):
    plain = raw("ok").body
    assert raw("crlf").body == plain.replace(b"\n", b"\r\n")
    assert raw("cr").body == plain.replace(b"\n", b"\r")
    assert raw("bom").body == b"\xef\xbb\xbf" + plain
    assert raw("comments").body.replace(b": keep-alive\n\n", b"") == plain
    assert raw("split-data").body.count(b"data:") > 2 * plain.count(b"data:")


def test_cuts_without_regard_for_characters(raw):
    plain, bytewise = raw("ok"), raw("bytes")
    assert bytewise.body == plain.body and {len(chunk) for chunk in bytewise.chunks} == {1}
    whole = raw({"cut": 3}, stream=False)
    assert max(map(len, whole.chunks)) == 3 and json.loads(whole.body)


def test_drip_takes_its_time(raw):
    dripped = raw({"drip": {"bytes": 200, "every": 0.02}}, wait=1)
    assert dripped.body == raw("ok").body and max(map(len, dripped.chunks)) == 200


@pytest.mark.parametrize("stream", [False, True])
def test_trailers_and_gzip(raw, stream):
    assert raw("trailers", stream=stream).trailers == b"x-fake-trailer: 1"
    packed = raw("gzip", stream=stream)
    assert b"content-encoding: gzip" in packed.head
    assert gzip.decompress(packed.body) == raw("ok", stream=stream).body


def test_the_answer_and_its_price_can_be_chosen(fakes, chat):
    fakes["openai"].faults({"text": "as told", "usage": {"input": 1000, "output": 7}}, "no-usage")
    answer = chat.create(model="gpt-5.4", messages=user("hi"))
    assert answer.choices[0].message.content == "as told" and answer.usage.total_tokens == 1007
    assert chat.create(model="gpt-5.4", messages=user("hi")).usage is None
