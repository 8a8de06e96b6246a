"""What the operator sees of a call, and what its caller is told: records, headers, metrics."""

import json
import re

import openai
import pytest

from house import CARD, EMAIL, HOUSE, TEXT, assert_nowhere, body, team, user
from wire import send, wait_for


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE)


def call(tollgate, caller=None, **more):
    client = tollgate.openai(team=caller or team()).chat.completions.with_raw_response
    answer = client.create(**{"model": "smart", "messages": user(TEXT), **more})
    if more.get("stream"):
        list(answer.parse())
    return answer.headers


def ours(headers):
    return {name[len("x-tollgate-"):]: value for name, value in headers.items() if name.startswith("x-tollgate-")}


# ── Headers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_an_answers_headers(tollgate):
    tollgate.fake["openai"].faults({"usage": {"input": 1000, "output": 100}})
    headers = ours(call(tollgate))
    left = headers.pop("budget-remaining")
    assert re.fullmatch(r"[0-9a-f]{32}", headers.pop("request-id"))
    assert headers == {"provider": "openai", "model": "gpt-5.4", "attempts": "1", "route": "smart",
                       "decision": "redacted", "redactions": "4", "cost-usd": "0.004000"}
    assert re.fullmatch(r"team-month=\d+", left)


def test_a_streams_headers_tell_no_cost(tollgate):
    headers = ours(call(tollgate, stream=True))
    assert "cost-usd" not in headers and headers["provider"] == "openai" and headers["decision"] == "redacted"


def test_a_clean_requests_decision_is_allowed(tollgate):
    headers = ours(call(tollgate, messages=user("hi")))
    assert headers["decision"] == "allowed" and headers["redactions"] == "0"


def test_a_failed_over_calls_headers_name_who_answered(tollgate):
    tollgate.fake["openai"].faults("500")
    headers = ours(call(tollgate))
    assert (headers["provider"], headers["model"], headers["attempts"]) == ("deepseek", "deepseek-v4-pro", "2")


@pytest.mark.parametrize("data, decision", [
    (b"{", "uninspectable"), (body("OPERATION-BLUE"), "blocked"), (body("x" * 300_000), "too_large"),
    (body(model="no-such-model"), "rejected")])
def test_a_refusals_headers(tollgate, data, decision):
    answer = send(tollgate.port, data)
    headers = ours(answer.headers)
    assert headers["decision"] == decision and headers["request-id"] and "redactions" in headers
    assert "provider" not in headers and "plan" not in headers and "exchange" not in headers
    (record,) = tollgate.records(1)
    assert record["tollgate.request_id"] == headers["request-id"] and record["tollgate.decision"] == decision


def test_two_calls_have_two_identifiers(tollgate):
    assert ours(call(tollgate))["request-id"] != ours(call(tollgate))["request-id"]


def test_headers_of_ours_that_a_provider_sends_do_not_reach_the_caller(tollgate):
    tollgate.fake["openai"].faults({"headers": {"x-tollgate-provider": "somebody", "x-tollgate-cost-usd": "0",
                                                "x-tollgate-retry": "overloaded", "x-tollgate-reason": "x"}})
    headers = call(tollgate)
    assert headers["x-tollgate-provider"] == "openai" and headers["x-tollgate-cost-usd"] != "0"
    assert "x-tollgate-retry" not in headers and "x-tollgate-reason" not in headers


def test_headers_of_the_provider_reach_the_caller(tollgate):
    headers = call(tollgate)
    assert headers["openai-processing-ms"] == "42" and headers["x-request-id"]


# ── Records ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_calls_record(tollgate):
    caller = team()
    tollgate.fake["openai"].faults({"usage": {"input": 1000, "output": 100}})
    headers = call(tollgate, caller)
    (record,) = tollgate.records(1)
    attempt = record["tollgate.attempts"][0]
    assert 0 <= attempt.pop("duration_ms") <= record.pop("tollgate.duration_ms") < 5000
    record.pop("tollgate.budgets")
    assert re.fullmatch(r"[0-9a-f]{8,64}", record.pop("tollgate.policy"))
    assert record == {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "smart", "gen_ai.response.model": "gpt-5.4",
        "gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
        "tollgate.request_id": headers["x-tollgate-request-id"], "tollgate.mode": "enforce", "tollgate.caller": caller,
        "tollgate.route": "smart", "tollgate.chain": "premium", "tollgate.stream": False,
        "tollgate.decision": "redacted", "tollgate.status": 200, "tollgate.redactions": 4,
        "tollgate.findings": {"email": 3, "credit_card": 1},
        "tollgate.usage_estimated": False, "tollgate.cost_microusd": 4000,
        "tollgate.attempts": [{"provider": "openai", "model": "gpt-5.4", "status": 200, "opt_out": ["store=false"]}]}


def test_a_streams_record_tells_the_time_to_its_first_token(tollgate):
    tollgate.fake["openai"].faults({"delay": 0.1, "drip": {"bytes": 500, "every": 0.03}})
    call(tollgate, stream=True)
    (record,) = tollgate.records(1)
    assert record["tollgate.stream"] is True
    assert 90 <= record["tollgate.time_to_first_token_ms"] < record["tollgate.duration_ms"]


def test_a_failed_over_calls_record_lists_its_attempts(tollgate):
    tollgate.fake["openai"].faults({"status": 429})
    tollgate.fake["deepseek"].faults({"delay": 0.05, "status": 500})
    call(tollgate)
    (record,) = tollgate.records(1)
    attempts = record["tollgate.attempts"]
    assert [(a["provider"], a["model"], a.get("status"), a.get("class")) for a in attempts] == [
        ("openai", "gpt-5.4", 429, "rate_limited"), ("deepseek", "deepseek-v4-pro", 500, "server_error"),
        ("anthropic", "claude-sonnet-5", 200, None)]
    assert attempts[1]["duration_ms"] >= 45 and "error.type" not in record
    assert record["tollgate.status"] == 200


def test_cached_and_reasoning_tokens_are_told_apart(tollgate):
    usage = {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300,
             "prompt_tokens_details": {"cached_tokens": 800}, "completion_tokens_details": {"reasoning_tokens": 200}}
    answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-5.4-2026-03-05", "usage": usage,
              "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}
    tollgate.fake["openai"].faults({"body": json.dumps(answer)})
    call(tollgate)
    (record,) = tollgate.records(1)
    assert record["gen_ai.usage.cache_read.input_tokens"] == 800
    assert record["gen_ai.usage.reasoning.output_tokens"] == 200
    assert record["gen_ai.response.model"] == "gpt-5.4-2026-03-05"
    assert record["tollgate.cost_microusd"] == 200 * 2.5 + 800 * 0.25 + 300 * 15


def test_a_caller_is_named_by_its_key_without_the_key(gateway):
    callers = {"identify": [{"header": "x-team"}, {"credential": "authorization"}]}
    tollgate = gateway(policy=dict(HOUSE, callers=callers), concurrency=1)
    for key in ("sk-one-11112222", "sk-two-33334444", "sk-one-11112222"):
        tollgate.openai(api_key=key).chat.completions.create(model="gpt-5.4", messages=user("hi"))
    one, two, again = (record["tollgate.caller"] for record in tollgate.records(3))
    assert one == again != two and one.startswith("key-")
    assert_nowhere(tollgate, "sk-one-11112222", "sk-two-33334444", but=["openai"])


def test_a_model_that_nobody_serves_is_said_so(tollgate):
    with pytest.raises(openai.NotFoundError) as raised:
        call(tollgate, model="no-such-model")
    assert raised.value.body["code"] == "model_not_found"
    (record,) = tollgate.records(1)
    assert record["error.type"] == "model_not_found"


def test_a_record_is_one_line_of_json_without_content(tollgate):
    call(tollgate, messages=user("a\nb " + TEXT))
    lines = [line for line in tollgate.envoy.process.out.read_text().splitlines() if line]
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert_nowhere(tollgate, EMAIL, CARD)
    assert "Write to" not in lines[-1]


# ── Metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_metrics_have_labels_and_count(tollgate):
    before = tollgate.metrics()
    tollgate.fake["openai"].faults({"usage": {"input": 1000, "output": 100}}, {"status": 429})
    call(tollgate)
    call(tollgate, stream=True)
    send(tollgate.port, body("OPERATION-BLUE"))
    send(tollgate.port, b"{")
    tollgate.records(4)
    after = tollgate.metrics()

    def grown(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)

    assert grown("tollgate_requests_total") == 4
    assert grown("tollgate_requests_total", provider="openai", model="gpt-5.4") == 1
    assert grown("tollgate_requests_total", provider="deepseek", model="deepseek-v4-pro") == 1
    assert grown("tollgate_tokens_total", provider="openai", model="gpt-5.4", type="input") == 1000
    assert grown("tollgate_tokens_total", provider="openai", model="gpt-5.4", type="output") == 100
    assert grown("tollgate_cost_microusd_total", provider="openai", model="gpt-5.4") == 4000
    assert grown("tollgate_redactions_total", type="email") == 6
    assert grown("tollgate_redactions_total", type="credit_card") == 2
    assert grown("tollgate_blocked_total", reason="blocked") == 1
    assert grown("tollgate_blocked_total", reason="invalid_json") == 1
    assert grown("tollgate_failovers_total", provider="openai", **{"class": "rate_limited"}) == 1
    assert grown("tollgate_attempt_errors_total", provider="openai", **{"class": "rate_limited"}) == 1


def test_durations_are_histograms(tollgate):
    def counted():
        return tollgate.metrics().value(
            "tollgate_request_duration_ms_count", provider="anthropic", model="claude-haiku-4-5")

    tollgate.fake["deepseek"].faults("500", "500")
    tollgate.fake["openai"].faults("500", "500")
    before = counted()
    call(tollgate, model="cheap")
    call(tollgate, model="cheap", stream=True)
    tollgate.records(2)
    # Envoy merges its workers' figures every few seconds.
    wait_for(lambda: counted() == before + 2, "two durations", seconds=15)
    assert tollgate.metrics().value("tollgate_time_to_first_token_ms_count", provider="anthropic") >= 1


def test_a_budgets_use_is_a_gauge(gateway):
    policy = dict(HOUSE, budgets=[{"name": "house-month", "limit": {"tokens": 10_000}, "window": "month"}],
                  output_reserve=100)
    tollgate = gateway(policy=policy, concurrency=1)
    tollgate.fake["openai"].faults({"usage": {"input": 4_000, "output": 200}})
    call(tollgate)
    tollgate.records(1)
    assert tollgate.metrics().value("tollgate_budget_used_percent", budget="house-month") == 42


def test_no_label_grows_with_what_callers_send(tollgate):
    for number in range(5):
        send(tollgate.port, body(model="made-up-%d" % number))
        send(tollgate.port, body(model="gpt-5.4-fail-%s" % ("429" if number % 2 else "500")))
    tollgate.records(10)
    assert "made-up" not in tollgate.metrics().text and "gpt-5.4-fail" not in tollgate.metrics().text


def test_a_metrics_name_is_never_left_with_its_labels_in_it(tollgate):
    call(tollgate)
    tollgate.records(1)
    names = set(re.findall(r"^(tollgate[^\s{]*)", tollgate.metrics().text, re.MULTILINE))
    assert names and all(re.fullmatch(r"tollgate_[a-z_]+", name) for name in names), names
