"""A provider that fails is passed over before it is tried, by all workers, and for no longer than it has to be."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from house import HOUSE, TEXT, asked, house, said, team, user
from wire import CHAT, Connection, request, wait_for

HEALTH = {"window": "20s", "failures": "50%", "at_least": 4, "open": "1s"}
POLICY = house(health=HEALTH)


@pytest.fixture(params=["envoy.yaml", "envoy-chains.yaml"])
def either(gateway, request):
    """What lives in Envoy's memory is the subject here: each test has an Envoy of its own."""
    return gateway(policy=POLICY, config=request.param, fresh=True)


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY, fresh=True)


def ask(tollgate, model="smart", stream=False, key="sk-test", **more):
    client = tollgate.openai(team=team(), api_key=key).chat.completions.with_raw_response
    answer = client.create(model=model, messages=user(TEXT), stream=stream, **more)
    assert (said(answer.parse()) if stream else answer.parse().choices[0].message.content) == TEXT
    return answer.headers["x-tollgate-provider"], int(answer.headers["x-tollgate-attempts"])


def count(tollgate, name):
    return len(tollgate.fake[name].requests())


def health(tollgate, **labels):
    return tollgate.metrics().value("tollgate_target_health", **labels)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_failing_target_is_passed_over_and_comes_back(tollgate, stream):
    tollgate.fake["openai"].faults("500", sticky=True)
    for _ in range(4):
        assert ask(tollgate, stream=stream) == ("deepseek", 2)
    started = time.monotonic()
    for _ in range(10):
        assert ask(tollgate, stream=stream) == ("deepseek", 1)
    assert count(tollgate, "openai") == 4 and time.monotonic() - started < 1
    wait_for(lambda: len(tollgate.records()) == 14, "the records")
    assert health(tollgate, provider="openai", model="gpt-5.4") == 0
    assert health(tollgate, provider="deepseek", model="deepseek-v4-pro") == 1
    # One request tries it, and fails; and the next second one does, and does not.
    time.sleep(1.1)
    results = [ask(tollgate, stream=stream) for _ in range(5)]
    assert results == [("deepseek", 2)] + [("deepseek", 1)] * 4
    tollgate.fake["openai"].faults()
    time.sleep(1.1)
    assert [ask(tollgate, stream=stream) for _ in range(5)] == [("openai", 1)] * 5
    wait_for(lambda: health(tollgate, provider="openai", model="gpt-5.4") == 1, "a healthy target")


@pytest.mark.parametrize("fault", [
    {"status": 503, "retry_after": 0}, {"status": 529, "retry_after": 0}, "reset", "garbage", "truncated", {"end": "stall", "after": "nothing"}], ids=str)
def test_what_is_the_providers_fault_counts(tollgate, fault):
    tollgate.fake["openai"].faults(fault, sticky=True)
    for _ in range(4):
        assert ask(tollgate, model="impatient")[1] == 2
    assert ask(tollgate, model="impatient") == ("deepseek", 1)


@pytest.mark.parametrize("fault", ["400", "filter", "context", "404"])
def test_what_is_not_does_not(tollgate, fault):
    tollgate.fake["openai"].faults(fault, sticky=True)
    for _ in range(6):
        try:
            ask(tollgate)
        except openai.APIStatusError:
            pass
    assert count(tollgate, "openai") == 6
    tollgate.fake["openai"].faults()
    assert ask(tollgate) == ("openai", 1)


def test_a_caller_that_goes_away_says_nothing_of_the_provider(tollgate):
    tollgate.fake["openai"].faults({"delay": 3}, sticky=True)
    for number in range(6):
        with Connection(tollgate.port) as connection:
            connection.send(request(json.dumps({"model": "smart", "messages": user(TEXT)}).encode(), CHAT))
            wait_for(lambda expected=number + 1: count(tollgate, "openai") == expected, "the request")
    tollgate.access_log(6)
    tollgate.fake["openai"].faults()
    assert ask(tollgate) == ("openai", 1)


def test_a_stream_that_breaks_off_counts(tollgate):
    tollgate.fake["openai"].faults({"end": "clean", "after": 7, "drip": {"bytes": 150, "every": 0.01}}, sticky=True)
    client = tollgate.openai(team=team())
    for _ in range(4):
        with pytest.raises(openai.APIError):
            list(client.chat.completions.create(model="smart", messages=user(TEXT), stream=True))
    tollgate.fake["openai"].faults()
    assert ask(tollgate) == ("deepseek", 1)


def test_all_workers_know_it(gateway):
    tollgate = gateway(policy=house(health=dict(HEALTH, open="30s")), fresh=True, concurrency=2)
    tollgate.fake["openai"].faults("500", sticky=True)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: ask(tollgate), range(80)))
    assert {provider for provider, _ in results} == {"deepseek"}
    # Those that were on their way when it opened, and no more.
    assert 4 <= count(tollgate, "openai") <= 12
    assert [ask(tollgate) for _ in range(10)] == [("deepseek", 1)] * 10


def test_where_all_fail_all_are_still_asked(either):
    for name in ("openai", "deepseek", "anthropic"):
        either.fake[name].faults("500", sticky=True)
    for _ in range(5):
        with pytest.raises(openai.InternalServerError):
            ask(either)
    either.fake["anthropic"].faults()
    provider, _ = ask(either)
    assert provider == "anthropic"


def test_in_a_fixed_chain_the_order_stays_envoys(gateway):
    tollgate = gateway(policy=POLICY, config="envoy-chains.yaml", fresh=True)
    tollgate.fake["openai"].faults("500", sticky=True)
    for _ in range(6):
        assert ask(tollgate) == ("deepseek", 2)
    tollgate.fake["deepseek"].faults("500", sticky=True)
    assert ask(tollgate) == ("anthropic", 3), "nobody is lost by being passed over"


# ── What rests ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_rate_limit_rests_its_target_for_as_long_as_the_provider_says(tollgate):
    tollgate.fake["openai"].faults({"status": 429, "retry_after": 1})
    assert ask(tollgate) == ("deepseek", 2)
    assert [ask(tollgate) for _ in range(3)] == [("deepseek", 1)] * 3
    wait_for(lambda: len(tollgate.records()) == 4, "the records")
    assert health(tollgate, provider="openai", model="gpt-5.4") == 0
    # Another model of the same provider does not rest.
    tollgate.fake["deepseek"].faults("500")
    assert ask(tollgate, model="cheap") == ("openai", 2)
    time.sleep(1.1)
    assert ask(tollgate) == ("openai", 1)


@pytest.mark.parametrize("fault", ["401", "402", "quota"])
def test_a_credential_rests_alone(tollgate, fault):
    tollgate.fake["openai"].faults(fault)
    assert ask(tollgate, key="sk-empty") == ("deepseek", 2)
    assert ask(tollgate, key="sk-empty") == ("deepseek", 1), "its key is not tried again"
    tollgate.fake["deepseek"].faults("500")
    assert ask(tollgate, key="sk-empty", model="cheap")[0] == "anthropic", "nor for another model"
    assert ask(tollgate, key="sk-good") == ("openai", 1), "and nobody else is disturbed"
    assert "sk-empty" not in tollgate.metrics().text + tollgate.log


def test_where_it_is_off_nothing_is_passed_over(gateway):
    tollgate = gateway(policy=HOUSE, fresh=True)
    tollgate.fake["openai"].faults("500", sticky=True)
    assert [ask(tollgate) for _ in range(8)] == [("deepseek", 2)] * 8
    tollgate.fake["openai"].faults("401")
    assert ask(tollgate) == ("deepseek", 2) and ask(tollgate) == ("openai", 1)
    assert asked(tollgate).count("openai") == 10
