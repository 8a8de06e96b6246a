"""The whole of it in one story: a caller over its soft budget, whose prompt holds values that must not leave, while its
first provider is rate-limited and its second is dead."""

import json

import pytest

from house import AWKWARD, CARD, EMAIL, HOUSE, asked, assert_nowhere, said, team, user

LIMIT = 100_000
POLICY = dict(HOUSE, budgets=[{
    "name": "team-month", "per": ["caller"], "limit": {"tokens": LIMIT}, "window": "month",
    "at": [{"percent": 80, "downgrade": "economy"}, {"percent": 100, "reject": True}]}])
PROMPT = "Tell %s that card %s was charged, and send %s a copy. Quote %s." % (EMAIL, CARD, EMAIL, AWKWARD)


@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-chains.yaml"])
def test_over_its_soft_budget_past_a_429_and_a_dead_host_the_third_streams_it_whole(gateway, config):
    tollgate = gateway(policy=POLICY, config=config, dead=["openai"])
    caller = team()
    client = tollgate.openai(team=caller)
    tollgate.fake["deepseek"].faults({"usage": {"input": 84_000, "output": 1_000}})
    client.chat.completions.create(model="cheap", messages=user("hi"))
    tollgate.reset()

    # Downgraded from premium to economy: DeepSeek (429), OpenAI (dead), Anthropic (streams, in small pieces).
    tollgate.fake["deepseek"].faults("429")
    tollgate.fake["anthropic"].faults({"delta": 3, "usage": {"input": 50, "output": 30}})
    answer = client.chat.completions.with_raw_response.create(model="smart", messages=user(PROMPT), stream=True)
    chunks = list(answer.parse())

    assert said(chunks) == PROMPT and chunks[-1].choices[0].finish_reason == "stop"
    assert answer.headers["x-tollgate-decision"] == "downgraded"
    assert answer.headers["x-tollgate-provider"] == "anthropic"
    assert answer.headers["x-tollgate-model"] == "claude-haiku-4-5"
    assert answer.headers["x-tollgate-attempts"] == "3" and answer.headers["x-tollgate-redactions"] == "4"
    assert asked(tollgate) == ["anthropic", "deepseek"]
    for name in ("deepseek", "anthropic"):
        (request,) = tollgate.fake[name].requests()
        sent = json.dumps(request["json"]["messages"])
        assert sent.count("<EMAIL_1>") == 2 and sent.count("<CREDIT_CARD_1>") == 1 and "EMAIL_2" not in sent

    (record,) = tollgate.records(1)
    assert [(attempt["provider"], attempt["model"]) for attempt in record["tollgate.attempts"]] == [
        ("deepseek", "deepseek-v4-flash"), ("openai", "gpt-5.4-nano"), ("anthropic", "claude-haiku-4-5")]
    assert record["tollgate.attempts"][0]["class"] == "rate_limited" and "class" not in record["tollgate.attempts"][2]
    assert record["gen_ai.provider.name"] == "anthropic" and record["gen_ai.response.model"] == "claude-haiku-4-5"
    assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (50, 30)
    assert record["tollgate.cost_microusd"] == 200  # 50 × 1 + 30 × 5, at the price of the third
    assert record["tollgate.budgets"][0]["used"] == 85_000 + 80
    assert record["tollgate.decision"] == "downgraded" and record["tollgate.caller"] == caller
    assert record["tollgate.findings"] == {"email": 2, "credit_card": 1, "awkward": 1}

    metrics = tollgate.metrics()
    assert metrics.value("tollgate_tokens_total", provider="anthropic", model="claude-haiku-4-5", type="output") >= 30
    assert metrics.value("tollgate_failovers_total", provider="deepseek", **{"class": "rate_limited"}) >= 1
    assert metrics.value("tollgate_failovers_total", provider="openai") >= 1
    assert metrics.value("tollgate_downgrades_total") >= 1
    assert_nowhere(tollgate, EMAIL, CARD, AWKWARD)
