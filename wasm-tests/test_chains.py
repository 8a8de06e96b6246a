"""Fixed chains by aggregate clusters (envoy-chains.yaml): the same policy, the same behaviour."""

import json

import openai
import pytest

from house import (CARD, EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, TOOLS, asked, assert_nowhere, calls_of, prompt_at,
                   said, team, user)


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=HOUSE, config="envoy-chains.yaml")


def ask(tollgate, model="smart", stream=False, text=TEXT, **more):
    client = tollgate.openai(team=team()).chat.completions.with_raw_response
    answer = client.create(model=model, messages=user(text), stream=stream, **more)
    parsed = answer.parse()
    return (said(parsed) if stream else parsed.choices[0].message.content), answer.headers


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_first_of_the_chain_answers_restored(tollgate, stream):
    text, headers = ask(tollgate, stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "openai" and headers["x-tollgate-route"] == "smart"
    assert prompt_at(tollgate, "openai") == REDACTED
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


@pytest.mark.parametrize("fault, stream", [
    *((fault, stream) for fault in ("429", "500", "reset", "garbage", "401") for stream in (False, True)),
    ("error-first", True)])
def test_the_next_of_the_chain_answers(tollgate, fault, stream):
    tollgate.fake["openai"].faults(fault)
    text, headers = ask(tollgate, stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"
    assert asked(tollgate) == ["deepseek", "openai"]
    (request,) = tollgate.fake["deepseek"].requests()
    assert request["json"]["model"] == "deepseek-v4-pro" and request["path"] == "/chat/completions"
    assert request["headers"]["authorization"] == "Bearer fake-deepseek-key"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_stalled_one_is_given_up(tollgate, stream):
    tollgate.fake["openai"].faults("stall-headers")
    text, headers = ask(tollgate, model="impatient", stream=stream)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_third_of_the_chain_answers_in_the_callers_dialect(tollgate, stream):
    tollgate.fake["openai"].faults("503")
    tollgate.fake["deepseek"].faults("reset")
    text = "use two tools for " + EMAIL
    answer = tollgate.openai(team=team()).chat.completions.create(
        model="smart", messages=user(text), tools=TOOLS, stream=stream)
    calls = calls_of(answer)[0] if stream else [
        (call.function.name, json.loads(call.function.arguments)) for call in answer.choices[0].message.tool_calls]
    assert calls == [("find", {"query": text}), ("count", {"query": text})]
    assert asked(tollgate) == ["anthropic", "deepseek", "openai"]
    assert [attempt["provider"] for attempt in tollgate.records(1)[0]["tollgate.attempts"]] == [
        "openai", "deepseek", "anthropic"]


def test_another_chain_has_another_order(tollgate):
    tollgate.fake["deepseek"].faults("500")
    text, headers = ask(tollgate, model="cheap")
    assert text == TEXT and headers["x-tollgate-provider"] == "openai"
    assert headers["x-tollgate-model"] == "gpt-5.4-nano"


def test_a_model_without_a_route_goes_to_its_provider_alone(tollgate):
    text, headers = ask(tollgate, model="gpt-5.4")
    assert text == TEXT and headers["x-tollgate-provider"] == "openai"
    tollgate.fake["openai"].faults("500")
    with pytest.raises(openai.InternalServerError):
        ask(tollgate, model="gpt-5.4")
    assert asked(tollgate) == ["openai", "openai"]


def test_anthropics_sdk_goes_to_anthropic(tollgate):
    answer = tollgate.anthropic(team=team()).messages.create(
        model="claude-sonnet-5", max_tokens=50, messages=user(TEXT))
    assert answer.content[0].text == TEXT
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)


def test_when_the_whole_chain_fails_the_last_ones_error_arrives(tollgate):
    tollgate.fake["openai"].faults("429")
    tollgate.fake["deepseek"].faults("500")
    tollgate.fake["anthropic"].faults("529")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(tollgate)
    assert raised.value.status_code == 529 and raised.value.body["message"] == "Overloaded"


def test_a_target_that_policy_leaves_out_is_not_asked_by_the_fixed_order_either(gateway):
    """The cluster's order is fixed: a chain that loses a target for this request must not reach it by Envoy's order."""
    classes = [{"name": "confidential", "header": {"x-data-class": "confidential"}, "retention": "opt_out"}]
    tollgate = gateway(policy=dict(HOUSE, data=dict(HOUSE["data"], classes=classes)), config="envoy-chains.yaml",
                       concurrency=1)
    text, headers = ask(tollgate, model="cheap", extra_headers={"x-data-class": "confidential"})
    assert text == TEXT and headers["x-tollgate-provider"] == "openai"
    assert asked(tollgate) == ["openai"]
