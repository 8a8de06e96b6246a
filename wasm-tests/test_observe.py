"""Mode `observe`: everything is found, decided and recorded, nothing is changed and nothing is refused."""

import base64
import gzip
import json

import openai
import pytest

from house import AWKWARD, CARD, EMAIL, HOUSE, TEXT, body, said, team, user
from wire import CHAT, JSON, KEY, MESSAGES, Connection, chunked, head, http2, request, send

HOST = "api.openai.com"
LIMIT = 10_000
POLICY = dict(
    HOUSE, mode="observe",
    data=dict(HOUSE["data"], find={"secret": "block", "ip_address": "report", "credit_card": "block"}),
    budgets=[{"name": "team-month", "per": ["caller"], "limit": {"tokens": LIMIT}, "window": "month",
              "at": [{"percent": 80, "downgrade": "economy"}, {"percent": 100, "reject": True}]}])


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY)


def received(tollgate, provider="openai"):
    (got,) = tollgate.fake[provider].requests()
    return got


def bytes_of(got):
    return base64.b64decode(got["body_base64"])


ODD = b'{ "model":"gpt-5.4",\n\t"messages" : [ {"role":"user","content":"to ' + EMAIL.encode() + \
      b' caf\\u00e9 \\/"} ],"temperature":1.0E0 ,"store":true, "seed":12345678901234567890, "stream_options":null}  '


@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-direct.yaml"])
def test_no_byte_of_the_request_is_changed(gateway, config):
    policy = POLICY if config == "envoy.yaml" else dict(
        POLICY, providers={"openai": POLICY["providers"]["openai"]}, models={}, chains={}, routes=[],
        budgets=HOUSE["budgets"])
    tollgate = gateway(policy=policy, config=config)
    assert send(tollgate.port, ODD, host=HOST).status == 200
    assert bytes_of(received(tollgate)) == ODD
    (record,) = tollgate.records(1)
    assert record["tollgate.mode"] == "observe" and record["tollgate.findings"] == {"email": 1}


def test_no_header_of_the_request_is_changed(tollgate):
    own = ["Accept: */*", "accept-encoding: gzip, br", "x-team: " + team(), "x-api-key: other", "cookie: a=b; c=d",
           "x-custom: one", "x-custom: two", "openai-organization: org-1", "user-agent: by hand/1.0"]
    data = body()
    with Connection(tollgate.port) as connection:
        connection.send(request(data, headers=own, host=HOST))
        assert connection.answer().status == 401  # the fake's own word: a key of somebody else came with its own
    got = received(tollgate)
    for line in [*own, *JSON, *KEY, "host: " + HOST, "content-length: %d" % len(data)]:
        name, value = line.split(": ", 1)
        assert value in got["headers"][name.lower()] or name == "x-custom", line
    known = {line.split(":")[0].lower() for line in own} | {
        "host", "content-type", "authorization", "content-length", "x-forwarded-proto", "x-request-id"}
    added = set(got["headers"]) - known
    assert not [name for name in added if not name.startswith("x-envoy-")], added


def test_our_own_headers_are_all_that_is_taken_from_a_request(tollgate):
    send(tollgate.port, body(), headers=["x-tollgate-exchange: x", "x-tollgate-plan: x"], host=HOST)
    assert not [name for name in received(tollgate)["headers"] if name.startswith("x-tollgate")]


def unlike_time(pairs):
    ours = ("x-tollgate-", "x-envoy-", "date", "server", "connection", "transfer-encoding", "content-length")
    return sorted((name, value) for name, value in pairs if not name.startswith(ours))


@pytest.mark.parametrize("fault", ["ok", "crlf", "bom", "comments", "split-data", "gzip", "error-first", "error-mid",
                                   "truncated", "429", "500", "400", "html", "garbage", "empty"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_byte_of_the_answer_is_changed(tollgate, fault, stream):
    data = body(TEXT + AWKWARD, model="gpt-5.4", stream=stream)
    tollgate.fake["openai"].faults(fault)
    straight = send(tollgate.fake["openai"].port, data)
    tollgate.reset()
    tollgate.fake["openai"].faults(fault)
    answer = send(tollgate.port, data, host=HOST)
    assert (answer.status, answer.body) == (straight.status, straight.body)
    assert unlike_time(answer.pairs) == unlike_time(straight.pairs)
    assert len(tollgate.fake["openai"].requests()) == 1  # nothing is tried again elsewhere
    assert tollgate.records(1)[0]["tollgate.status"] == straight.status


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_would_have_been_is_recorded(tollgate, stream):
    text = "mail %s, code OPERATION-BLUE" % EMAIL
    answer = tollgate.openai(team=team(), default_headers={"host": HOST}).chat.completions.create(
        model="gpt-5.4", messages=user(text), stream=stream)
    assert (said(answer) if stream else answer.choices[0].message.content) == text
    (record,) = tollgate.records(1)
    assert record["tollgate.decision"] == "blocked" and record["error.type"] == "blocked"
    assert record["tollgate.findings"] == {"email": 1, "codeword": 1} and record["tollgate.status"] == 200
    assert record["tollgate.attempts"][0]["status"] == 200
    assert EMAIL not in tollgate.log and EMAIL not in json.dumps(tollgate.access_log())


def test_blocked_data_passes(tollgate):
    assert send(tollgate.port, body(TEXT, model="gpt-5.4"), host=HOST).json["choices"][0]["message"]["content"] == TEXT
    (record,) = tollgate.records(1)
    assert record["tollgate.decision"] == "blocked" and record["tollgate.findings"]["credit_card"] == 1


def test_usage_is_counted_and_a_budget_that_is_used_up_refuses_nothing(tollgate):
    caller = team()
    chat = tollgate.openai(team=caller, default_headers={"host": HOST}).chat.completions
    tollgate.fake["openai"].faults({"usage": {"input": 9_000, "output": 2_000}}, {"usage": {"input": 10, "output": 5}})
    chat.create(model="gpt-5.4", messages=user("hi"))
    assert tollgate.records(1)[0]["tollgate.budgets"][0]["used"] == 11_000
    chat.create(model="gpt-5.4", messages=user("hi"))
    record = tollgate.records(2)[1]
    assert record["tollgate.decision"] == "over_budget" and record["tollgate.status"] == 200
    assert record["tollgate.budgets"][0]["used"] == 11_015


def test_a_streams_usage_is_read_where_the_caller_asked_for_it(tollgate):
    tollgate.fake["openai"].faults({"usage": {"input": 70, "output": 7}})
    list(tollgate.openai(team=team(), default_headers={"host": HOST}).chat.completions.create(
        model="gpt-5.4", messages=user("hi"), stream=True, stream_options={"include_usage": True}))
    (record,) = tollgate.records(1)
    assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (70, 7)


@pytest.mark.parametrize("data, headers", [
    (b"{ no json " + EMAIL.encode(), []), (b'{"model":"gpt-5.4","a":1,"a":2}', []), (b"[" * 10_000, []), (b"", []),
    (b"\xff\xfe", []), (gzip.compress(body()), ["content-encoding: gzip"]), (b'{"model":7}', []),
    (body("x" * 300 * 1024), []),
], ids=["broken", "twice", "deep", "empty", "no text", "compressed", "no chat", "large"])
def test_what_cannot_be_read_passes_as_it_is(tollgate, data, headers):
    send(tollgate.port, data, headers=headers, host=HOST)
    assert bytes_of(received(tollgate)) == data
    (record,) = tollgate.records(1)
    assert record["error.type"] and record["tollgate.mode"] == "observe"


def test_a_chunked_body_over_the_bound_passes_whole(tollgate):
    data = body("x" * 600 * 1024)
    with Connection(tollgate.port) as connection:
        connection.send(head(CHAT, [*JSON, *KEY, "transfer-encoding: chunked"], host=HOST) +
                        chunked([data[at:at + 50_000] for at in range(0, len(data), 50_000)]))
        connection.answer()
    assert bytes_of(received(tollgate)) == data
    assert tollgate.records(1)[0]["error.type"] == "request_too_large"


@pytest.mark.parametrize("method, path", [("POST", "/v1/other"), ("GET", "/v1/files"), ("DELETE", "/v1/files/1")])
def test_an_unknown_endpoint_passes(tollgate, method, path):
    data = b'{"input":"%s"}' % EMAIL.encode() if method == "POST" else b""
    answer = send(tollgate.port, data, path=path, method=method, host=HOST)
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found"  # the fake's own answer
    got = received(tollgate)
    assert (got["method"], got["path"], bytes_of(got)) == (method, path, data)
    (record,) = tollgate.records(1)
    assert record["error.type"] == "endpoint_blocked" and record["tollgate.decision"] == "blocked"


def test_a_request_for_stored_state_passes(tollgate):
    data = b'{"model":"gpt-5.4","previous_response_id":"r","messages":[{"role":"user","content":"hi"}]}'
    assert send(tollgate.port, data, host=HOST).status == 200
    assert bytes_of(received(tollgate)) == data
    assert tollgate.records(1)[0]["error.type"] == "needs_storage"


def test_an_unknown_caller_passes(gateway):
    callers = {"identify": [{"header": "x-team"}], "unknown": "reject"}
    tollgate = gateway(policy=dict(POLICY, callers=callers), concurrency=1)
    data = body(model="gpt-5.4")
    assert send(tollgate.port, data, host=HOST).status == 200
    assert bytes_of(received(tollgate)) == data
    (record,) = tollgate.records(1)
    assert record["error.type"] == "unknown_caller"
    assert record["tollgate.findings"] == {"email": 3, "credit_card": 1}  # found all the same


def test_a_request_goes_to_the_host_that_it_names(tollgate):
    data = json.dumps({"model": "claude-sonnet-5", "max_tokens": 20, "messages": user(TEXT)}).encode()
    answer = send(tollgate.port, data, path=MESSAGES, headers=["anthropic-version: 2023-06-01", "x-api-key: k"],
                  host="api.anthropic.com")
    assert answer.status == 200 and answer.json["content"][0]["text"] == TEXT
    assert bytes_of(received(tollgate, "anthropic")) == data


def test_a_request_with_trailers_passes_as_it_is(tollgate):
    data = body(model="gpt-5.4")
    assert http2(tollgate.port, data, headers=[("x-team", team())], trailers=[("x-checksum", "1")]).status == 200
    assert bytes_of(received(tollgate)) == data


def test_metrics_count_what_was_found_not_what_was_done(tollgate):
    before = tollgate.metrics()
    send(tollgate.port, body(TEXT, model="gpt-5.4"), host=HOST)
    tollgate.records(1)
    after = tollgate.metrics()
    assert after.value("tollgate_requests_total") == before.value("tollgate_requests_total") + 1
    for name in ("tollgate_redactions_total", "tollgate_blocked_total"):
        assert after.value(name) == before.value(name) == 0


def test_the_sdk_notices_nothing(tollgate):
    tollgate.fake["openai"].faults("429")
    with pytest.raises(openai.RateLimitError):
        tollgate.openai(team=team(), default_headers={"host": HOST}).chat.completions.create(
            model="gpt-5.4", messages=user(CARD))
