"""What cannot be read does not pass: an error in the caller's dialect, a line in the record, and Envoy alive after."""

import gzip
import json
import time

import anthropic
import openai
import pytest

from house import CARD, EMAIL, HOUSE, TEXT, asked, assert_nowhere, body, team, user
from wire import CHAT, JSON, KEY, MESSAGES, Connection, chunked, head, http2, send

BOUND = 256 * 1024
VALUE = EMAIL.encode()


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


def good(port):
    answer = send(port, {"model": "gpt-5.4", "messages": user(TEXT)})
    assert answer.status == 200 and answer.json["choices"][0]["message"]["content"] == TEXT


def assert_refused(tollgate, answer, status, code=None, dialect="openai"):
    """In the caller's dialect, recorded, nothing sent, nothing said, and the next call goes well."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json["error"]
    if dialect == "openai":
        assert set(error) == {"message", "type", "param", "code"} and error["message"]
        assert code is None or error["code"] == code
    else:
        assert answer.json["type"] == "error" and error["type"] and error["message"]
        assert code is None or error["details"]["error_code"] == code
    assert answer.headers["x-tollgate-request-id"]
    assert answer.headers["x-tollgate-decision"] not in ("allowed", "redacted")
    assert asked(tollgate) == []
    (record,) = tollgate.records(1)
    assert record["tollgate.status"] == status and record["error.type"]
    assert code is None or record["error.type"] == code
    assert record["tollgate.request_id"] == answer.headers["x-tollgate-request-id"]
    assert_nowhere(tollgate, EMAIL, CARD)
    assert EMAIL not in answer.text
    good(tollgate.port)


DEEP = 5_000
MESSAGE = b'{"role":"user","content":"' + VALUE + b'"}'
BODIES = {
    "broken off": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"' + VALUE,
    "no JSON": b"to " + VALUE,
    "two documents": b'{"model":"gpt-5.4","messages":[]} {"a":"' + VALUE + b'"}',
    "a trailing comma": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"' + VALUE + b'"},]}',
    "a comment": b'/* ' + VALUE + b' */ {"model":"gpt-5.4","messages":[]}',
    "NaN": b'{"model":"gpt-5.4","temperature":NaN,"messages":[{"role":"user","content":"' + VALUE + b'"}]}',
    "deep arrays": b'{"model":"gpt-5.4","messages":' + b"[" * DEEP + b'"' + VALUE + b'"' + b"]" * DEEP + b"}",
    "deep objects": b'{"model":"gpt-5.4","messages":[],"x":' + b'{"a":' * DEEP + b'"%s"' % VALUE + b"}" * DEEP + b"}",
    "unclosed arrays": b"[" * 100_000,
    "invalid UTF-8": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"\xff\xfe ' + VALUE + b'"}]}',
    "an overlong form": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"\xc0\xaf ' + VALUE + b'"}]}',
    "a raw NUL": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"a\x00b ' + VALUE + b'"}]}',
    "NUL bytes around": b"\x00\x00" + body(EMAIL) + b"\x00",
    "UTF-16": body(EMAIL).decode().encode("utf-16"),
    "a lone surrogate": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"\\ud800 ' + VALUE + b'"}]}',
    "a key twice": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"x"}],"messages":[' + MESSAGE + b"]}",
    "a deep key twice": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"x","content":"' + VALUE + b'"}]}',
    "an escaped key twice": b'{"model":"gpt-5.4","messages":[{"role":"user","content":"x","c\\u006fntent":"' + VALUE
                            + b'"}]}',
    "an array": b'["' + VALUE + b'"]',
    "a string": b'"' + VALUE + b'"',
    "null": b"null",
    "no model": b'{"messages":[{"role":"user","content":"' + VALUE + b'"}]}',
    "a model that is no string": b'{"model":7,"messages":[{"role":"user","content":"' + VALUE + b'"}]}',
    "no messages": b'{"model":"gpt-5.4","input":"' + VALUE + b'"}',
    "messages that are no array": b'{"model":"gpt-5.4","messages":"' + VALUE + b'"}',
    "messages of strings": b'{"model":"gpt-5.4","messages":["' + VALUE + b'"]}',
    "a stream that is no boolean": b'{"model":"gpt-5.4","stream":"yes","messages":[' + MESSAGE + b"]}",
    "a bound that is no number": b'{"model":"gpt-5.4","max_tokens":"many","messages":[' + MESSAGE + b"]}",
    "an empty body": b"",
    "white space": b" \r\n\t",
    "a byte order mark": b"\xef\xbb\xbf" + body(EMAIL),
}
# Not JSON in the strict sense, or JSON whose meaning depends on the reader: refused as unreadable. The rest is readable
# and wrong, which may be said by the provider too, once nothing sensitive is left in it.
MAY_PASS_REDACTED = {"messages of strings", "a stream that is no boolean", "a bound that is no number",
                     "a lone surrogate", "a byte order mark"}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_none_is_refused(tollgate, name):
    answer = send(tollgate.port, BODIES[name])
    if name in MAY_PASS_REDACTED and asked(tollgate):
        assert_nowhere(tollgate, EMAIL)
        good(tollgate.port)
        return
    assert_refused(tollgate, answer, 400)


@pytest.mark.parametrize("name", ["broken off", "a key twice", "no model", "an empty body", "invalid UTF-8"])
def test_a_body_that_is_none_is_refused_in_anthropics_dialect(tollgate, name):
    answer = send(tollgate.port, BODIES[name], path=MESSAGES, headers=["anthropic-version: 2023-06-01"])
    assert_refused(tollgate, answer, 400, dialect="anthropic")


@pytest.mark.parametrize("depth", [50, 120])
def test_depth_that_real_schemas_have_is_read(tollgate, depth):
    deep = b'{"model":"gpt-5.4","x":' + b'{"a":' * depth + b'"' + VALUE + b'"' + b"}" * depth + \
           b',"messages":[{"role":"user","content":"hi"}]}'
    answer = send(tollgate.port, deep)
    if depth < 100:
        assert answer.status == 200, answer.text
    assert_nowhere(tollgate, EMAIL)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                  "application/octet-stream"])
def test_another_content_type_is_refused(tollgate, kind):
    answer = send(tollgate.port, body(EMAIL), headers=["content-type: " + kind], common=KEY)
    assert_refused(tollgate, answer, 415, "unsupported_content_type")


@pytest.mark.parametrize("kind", [None, "application/json; charset=utf-8", "Application/JSON"])
def test_json_by_any_name_is_read(tollgate, kind):
    answer = send(tollgate.port, body(), headers=["content-type: " + kind] if kind else [], common=KEY)
    assert answer.status == 200 and answer.json["choices"][0]["message"]["content"] == TEXT
    assert_nowhere(tollgate, EMAIL, CARD)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-16", "application/json; charset=iso-8859-1"])
def test_another_character_set_is_not_passed_on_unread(tollgate, kind):
    answer = send(tollgate.port, body(EMAIL), headers=["content-type: " + kind], common=KEY)
    assert answer.status in (200, 400, 415)
    assert_nowhere(tollgate, EMAIL)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, identity", "GZIP", "unknown"])
def test_a_compressed_body_is_refused(tollgate, encoding):
    answer = send(tollgate.port, gzip.compress(body(EMAIL)), headers=["content-encoding: " + encoding])
    assert_refused(tollgate, answer, 415, "unsupported_content_encoding")


def test_identity_is_no_compression(tollgate):
    assert send(tollgate.port, body(), headers=["content-encoding: identity"]).status == 200
    assert_nowhere(tollgate, EMAIL, CARD)


def test_a_second_content_encoding_header_does_not_hide_behind_the_first(tollgate):
    answer = send(tollgate.port, gzip.compress(body(EMAIL)),
                  headers=["content-encoding: identity", "content-encoding: gzip"])
    assert_refused(tollgate, answer, 415)


# ── Size ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_body_over_the_bound_is_refused(tollgate):
    answer = send(tollgate.port, body(EMAIL + "x" * BOUND))
    assert_refused(tollgate, answer, 413, "request_too_large")


def test_a_body_whose_length_says_too_much_is_refused_before_it_is_sent(tollgate):
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "content-length: %d" % (10 * BOUND)]) + b'{"model":"')
        answer = connection.answer()
    assert_refused(tollgate, answer, 413, "request_too_large")


@pytest.mark.parametrize("piece", [1000, BOUND // 2, 3 * BOUND])
def test_a_chunked_body_over_the_bound_is_refused(tollgate, piece):
    whole = body(EMAIL + "x" * 2 * BOUND)
    with Connection(tollgate.port) as connection:
        try:
            connection.send(head(CHAT, [*JSON, *KEY, "transfer-encoding: chunked"]))
            for at in range(0, len(whole), piece):
                connection.send(b"%x\r\n%s\r\n" % (len(whole[at:at + piece]), whole[at:at + piece]))
            connection.send(b"0\r\n\r\n")
        except ConnectionError:
            pass  # refused in the middle
        answer = connection.answer()
    assert_refused(tollgate, answer, 413, "request_too_large")


def test_a_body_at_the_bound_is_read(tollgate):
    empty = body(EMAIL + " ")
    whole = body(EMAIL + " " + "x" * (BOUND - len(empty)))
    tollgate.fake["openai"].faults({"text": "read"})
    assert len(whole) == BOUND and send(tollgate.port, whole).status == 200
    assert_nowhere(tollgate, EMAIL)
    tollgate.reset()
    assert_refused(tollgate, send(tollgate.port, body(EMAIL + " " + "x" * (BOUND - len(empty) + 1))), 413)


def test_openais_sdk_raises_on_a_body_over_the_bound(tollgate):
    with pytest.raises(openai.APIStatusError) as raised:
        tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user("x" * BOUND))
    assert raised.value.status_code == 413 and raised.value.body["code"] == "request_too_large"


def test_anthropics_sdk_raises_on_a_body_over_the_bound(tollgate):
    with pytest.raises(anthropic.APIStatusError) as raised:
        tollgate.anthropic(team=team()).messages.create(
            model="claude-sonnet-5", max_tokens=5, messages=user("x" * BOUND))
    assert raised.value.status_code == 413 and raised.value.body["error"]["type"] == "request_too_large"


def test_hostile_sizes_of_ordinary_things_are_quickly_done(tollgate):
    """As much as the bound allows, of what could make a reader slow; the values behind it are found all the same."""
    hostile = {
        "at signs": "@" * 200_000, "digits": "4111 " * 40_000, "placeholders": "<EMAIL_1>" * 20_000,
        "dots": "a." * 100_000 + "@x", "escapes": "\\u003c" * 30_000, "quotes": '"' * 100_000, "numbers": "1" * 200_000,
        "underscores": "A_1" * 60_000,
    }
    for name, text in hostile.items():
        started = time.monotonic()
        answer = send(tollgate.port, body(text + " " + EMAIL, model="gpt-5.4"))
        assert answer.status == 200 and time.monotonic() - started < 3, name
        assert answer.json["choices"][0]["message"]["content"] == text + " " + EMAIL, name
    assert_nowhere(tollgate, EMAIL)


def test_many_messages_and_many_values_are_read(tollgate):
    text = " ".join("person.%d@example.org" % number for number in range(3000))
    answer = send(tollgate.port, body(text, model="gpt-5.4"))
    assert answer.json["choices"][0]["message"]["content"] == text
    assert_nowhere(tollgate, "person.")


# ── Endpoints ───────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("method, path", [
    ("POST", "/v1/conversations"), ("POST", "/v1/moderations"), ("POST", "/v1/files"), ("POST", "/"), ("PUT", "/v1/models"),
    ("GET", CHAT), ("PUT", CHAT), ("DELETE", CHAT), ("POST", CHAT + "/x"), ("POST", "/v1/Chat/Completions"),
    ("POST", "/v1/chat%2fcompletions"), ("POST", "/v1/chat/completions;x=1"), ("POST", "/x/../v1/files"),
    ("POST", "/v1/batches"), ("OPTIONS", CHAT)])
def test_an_endpoint_that_nobody_inspects_is_refused(tollgate, method, path):
    answer = send(tollgate.port, json.dumps({"input": EMAIL, "model": "gpt-5.4"}).encode(), path=path, method=method)
    assert_refused(tollgate, answer, 403, "endpoint_blocked")


@pytest.mark.parametrize("path", ["/v1//chat/completions", "/v1/./chat/completions", "/v1/x/../chat/completions",
                                  CHAT + "/", CHAT + "?a=b"])
def test_other_spellings_of_a_known_endpoint_are_inspected(tollgate, path):
    answer = send(tollgate.port, body(), path=path)
    assert answer.status in (200, 403), answer.text
    if answer.status == 200:
        assert answer.json["choices"][0]["message"]["content"] == TEXT
    assert_nowhere(tollgate, CARD)


def test_a_value_in_the_query_does_not_leave_either(tollgate):
    value = "query.only@example.org"
    send(tollgate.port, body(), path=CHAT + "?user=" + value)
    tollgate.records(1)
    assert_nowhere(tollgate, value)


def test_an_endpoint_that_the_policy_lets_pass_is_passed_and_recorded_as_unread(gateway):
    tollgate = gateway(policy=dict(HOUSE, endpoints={"allow": ["/v1/allowed/*"]}), concurrency=1)
    answer = send(tollgate.port, b"whatever", path="/v1/allowed/it", host="api.openai.com")
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found"  # the fake's own word
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["body"] == "whatever" and sent["path"] == "/v1/allowed/it"
    assert not [name for name in sent["headers"] if name.startswith("x-tollgate")]
    (record,) = tollgate.records(1)
    assert record["tollgate.uninspected"] and record["tollgate.decision"] == "uninspected"
    assert send(tollgate.port, body("unread"), path="/v1/allowedx", host="api.openai.com").status == 403


def test_uninspectable_bodies_can_be_let_pass(gateway):
    tollgate = gateway(policy=dict(HOUSE, data=dict(HOUSE["data"], uninspectable="allow")), concurrency=1)
    packed = gzip.compress(body("unread"))
    send(tollgate.port, packed, headers=["content-encoding: gzip"], host="api.openai.com")
    send(tollgate.port, b"{no json", host="api.openai.com")
    assert [request["body_base64"] for request in tollgate.fake["openai"].requests()][1] == "e25vIGpzb24="
    assert all(record["tollgate.uninspected"] for record in tollgate.records(2))
    assert send(tollgate.port, body("x" * BOUND)).status == 413  # the bound stays


# ── Callers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GUESS = "x-tollgate-exchange: " + "0" * 32
SPOOFED = ["x-tollgate-plan: AAAA", "x-tollgate-cluster: anthropic", GUESS,
           "x-tollgate-provider: nobody", "x-tollgate-anything: at all", "X-Tollgate-Decision: allowed"]


@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-chains.yaml"])
def test_our_own_headers_from_a_client_neither_steer_nor_pass(gateway, config):
    tollgate = gateway(policy=HOUSE, config=config)
    answer = send(tollgate.port, body(model="gpt-5.4"), headers=SPOOFED)
    assert answer.status == 200 and answer.headers["x-tollgate-provider"] == "openai"
    assert asked(tollgate) == ["openai"]
    (sent,) = tollgate.fake["openai"].requests()
    assert not [name for name in sent["headers"] if name.startswith("x-tollgate")]


def test_our_own_headers_do_not_open_a_blocked_endpoint(tollgate):
    assert_refused(tollgate, send(tollgate.port, body(EMAIL), path="/v1/files", headers=SPOOFED), 403)


def test_an_unknown_caller_can_be_rejected(gateway):
    callers = {"identify": [{"header": "x-team"}], "unknown": "reject"}
    tollgate = gateway(policy=dict(HOUSE, callers=callers), concurrency=1)
    with pytest.raises(openai.AuthenticationError) as raised:
        tollgate.openai().chat.completions.create(model="gpt-5.4", messages=user(TEXT))
    assert raised.value.body["code"] == "unknown_caller"
    assert asked(tollgate) == [] and tollgate.records(1)[0]["tollgate.caller"] == "unknown"
    tollgate.openai(team="known").chat.completions.create(model="gpt-5.4", messages=user(TEXT))


def test_odd_bytes_in_headers_do_no_harm(tollgate):
    with Connection(tollgate.port) as connection:
        data = body(model="gpt-5.4")
        connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                        b"authorization: Bearer sk-test\r\nx-team: \xc3\x28\xff\r\nx-odd: \x80\r\n"
                        b"content-length: %d\r\n\r\n" % len(data) + data)
        assert connection.answer().status == 200
    tollgate.records(1)
    good(tollgate.port)


def test_a_caller_with_an_endless_name_is_cut_short(tollgate):
    assert send(tollgate.port, body(model="gpt-5.4"), headers=["x-team: " + "t" * 20_000]).status == 200
    assert len(tollgate.records(1)[0]["tollgate.caller"]) <= 200


# ── Past the listener role ──────────────────────────────────────────────────────────────────────────────────────────

def bypass(text):
    """A route on which the listener role does not run: what a mistake in a configuration looks like."""
    return text.replace("              routes:\n", """              routes:
              - match: {prefix: /bypass/}
                route: {cluster: openai, prefix_rewrite: /, timeout: 10s}
                typed_per_filter_config:
                  tollgate: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}
""", 1)


@pytest.mark.parametrize("headers", [[], [GUESS], ["x-tollgate-exchange: \xff"]], ids=["none", "guessed", "no text"])
def test_a_request_that_nobody_inspected_does_not_leave(gateway, headers):
    tollgate = gateway(policy=HOUSE, edit=bypass, concurrency=1)
    answer = send(tollgate.port, body(EMAIL), path="/bypass/v1/chat/completions", headers=headers)
    assert answer.status == 403 and answer.json["error"]["code"] == "not_inspected"
    assert asked(tollgate) == []
    assert_nowhere(tollgate, EMAIL)
    good(tollgate.port)


# ── And Envoy lives ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_no_request_of_all_these_brought_down_a_module_or_was_quoted_in_the_log(tollgate):
    """Once more everything above on one connection after the other, on both workers, then a look at the log."""
    for data in BODIES.values():
        send(tollgate.port, data)
        send(tollgate.port, data, path=MESSAGES)
    http2(tollgate.port, BODIES["broken off"])
    http2(tollgate.port, b"")
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "transfer-encoding: chunked"]) + chunked([b'{"a":"', VALUE]))
        assert connection.answer().status == 400
    tollgate.records(2 * len(BODIES) + 3)
    for word in ("panic", "wasm_fail", "Function: proxy_", "crashed", "Envoy refused to", "too late"):
        assert word not in tollgate.log
    assert_nowhere(tollgate, EMAIL)
    for _ in range(8):
        good(tollgate.port)
