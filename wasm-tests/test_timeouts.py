"""Time-outs: for the first token, between tokens, for a whole answer and for all of it; the same at every provider."""

import time

import openai
import pytest

from house import HOUSE, TEXT, house, said, team, user
from test_failover import BROKEN_CONNECTION, attempts
from wire import send

CHAINS = {
    "first": {"targets": ["openai/gpt-5.4"], "cluster": "openai"},
    "second": {"targets": ["deepseek/deepseek-v4-pro"], "cluster": "deepseek"},
    "third": {"targets": ["anthropic/claude-sonnet-5"], "cluster": "anthropic"},
    # Its own: the others wait longer.
    "patient": {"targets": ["openai/gpt-5.4"], "cluster": "openai",
                "timeouts": {"between_tokens": "10s", "first_token": "10s", "answer": "10s", "total": "20s"}},
    "premium": HOUSE["chains"]["premium"],
}
ROUTES = [{"name": name, "when": {"model": name}, "use": name} for name in CHAINS]
POLICY = house(chains=CHAINS, routes=ROUTES, timeouts={
    "total": "3s", "first_token": "600ms", "between_tokens": "600ms", "answer": "1500ms"})
PROVIDERS = [("first", "openai"), ("second", "deepseek"), ("third", "anthropic")]
BEGINS = {"drip": {"bytes": 150, "every": 0.01}}


@pytest.fixture(params=["envoy.yaml", "envoy-chains.yaml"])
def tollgate(gateway, request):
    return gateway(policy=POLICY, config=request.param)


def create(tollgate, model, stream=False, **more):
    return tollgate.openai(team=team()).chat.completions.create(
        model=model, messages=user(TEXT), stream=stream, **more)


@pytest.mark.parametrize("model, provider", PROVIDERS)
def test_a_slow_answer_that_does_not_stream_is_not_killed_by_the_bound_between_tokens(tollgate, model, provider):
    tollgate.fake[provider].faults({"delay": 1.1})
    assert create(tollgate, model).choices[0].message.content == TEXT
    assert attempts(tollgate.records(1)[0]) == [(provider, None)]


@pytest.mark.parametrize("stream, least, most", [(False, 1.4, 2.2), (True, 0.5, 1.1)], ids=["whole", "stream"])
@pytest.mark.parametrize("model, provider", PROVIDERS)
def test_an_answer_that_does_not_come_is_a_time_out(tollgate, model, provider, stream, least, most):
    tollgate.fake[provider].faults("stall-headers")
    started = time.monotonic()
    with pytest.raises(openai.APIStatusError) as caught:
        create(tollgate, model, stream)
    assert least < time.monotonic() - started < most
    assert caught.value.status_code == 504 and caught.value.code == "timeout"
    assert attempts(tollgate.records(1)[0]) == [(provider, "timeout")]


@pytest.mark.parametrize("model, provider", PROVIDERS)
def test_a_stream_that_falls_silent_is_cut_and_no_clean_end(tollgate, model, provider):
    tollgate.fake[provider].faults({"end": "stall", "after": 7, **BEGINS})
    started = time.monotonic()
    with pytest.raises(BROKEN_CONNECTION):
        list(create(tollgate, model, True))
    # Envoy takes a second more to close a connection whose answer it breaks off.
    assert 0.5 < time.monotonic() - started < 2.8
    (record,) = tollgate.records(1)
    assert attempts(record) == [(provider, "timeout")] and record["error.type"] == "timeout"
    assert "tollgate.aborted" not in record and record["tollgate.usage_estimated"]
    assert 600 < record["tollgate.duration_ms"] < 1400
    assert record["tollgate.budgets"][0]["used"] > 0, "what came is paid for"


def test_a_chain_has_time_outs_of_its_own(gateway):
    tollgate = gateway(policy=POLICY)
    tollgate.fake["openai"].faults({"drip": {"bytes": 1500, "every": 0.8}})
    # The gaps are longer than the policy's bound, and shorter than the chain's.
    assert said(create(tollgate, "patient", True)) == TEXT
    tollgate.fake["openai"].faults({"delay": 2})
    assert create(tollgate, "patient").choices[0].message.content == TEXT


def test_a_stream_that_is_slow_and_never_silent_for_long_is_not_cut(tollgate):
    tollgate.fake["openai"].faults({"drip": {"bytes": 900, "every": 0.3}})
    started = time.monotonic()
    assert said(create(tollgate, "first", True)) == TEXT
    assert time.monotonic() - started > 1.2, "longer than the bounds on the first token and on silence"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_total_is_the_total_of_all_attempts(gateway, stream):
    tollgate = gateway(policy=house(chains=CHAINS, routes=ROUTES, timeouts={
        "total": "1200ms", "first_token": "700ms", "answer": "700ms"}))
    for name in ("openai", "deepseek", "anthropic"):
        tollgate.fake[name].faults("stall-headers")
    started = time.monotonic()
    with pytest.raises(openai.APIStatusError) as caught:
        create(tollgate, "premium", stream)
    assert 1.0 < time.monotonic() - started < 1.8 and caught.value.status_code == 504
    (record,) = tollgate.records(1)
    assert attempts(record) == [("openai", "timeout"), ("deepseek", "timeout")] or len(attempts(record)) == 2


def test_a_stream_that_never_ends_is_cut_at_the_total(gateway):
    tollgate = gateway(policy=house(chains=CHAINS, routes=ROUTES, timeouts={"total": "1s", "first_token": "900ms",
                                                                           "answer": "900ms"}))
    tollgate.fake["openai"].faults({"drip": {"bytes": 40, "every": 0.05}})
    started = time.monotonic()
    with pytest.raises(BROKEN_CONNECTION):
        list(create(tollgate, "first", True))
    assert 0.9 < time.monotonic() - started < 2.6
    (record,) = tollgate.records(1)
    assert record["error.type"] and "tollgate.aborted" not in record


def test_what_tells_the_routes_apart_reaches_nobody(tollgate):
    for stream in (False, True):
        answer = send(tollgate.port, {"model": "first", "messages": user(TEXT), "stream": stream})
        assert "x-tollgate-answer" not in answer.headers
    for sent in tollgate.fake["openai"].requests():
        assert not [name for name in sent["headers"] if name.startswith("x-tollgate")]
