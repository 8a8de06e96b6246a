"""Budgets hold: while requests are in flight, after they were aborted, and for each caller by itself."""

import asyncio
import re
import time

import openai
import pytest

from house import HOUSE, asked, said, team, user
from wire import wait_for

LIMIT = 10_000
RESERVE = 100
POLICY = dict(
    HOUSE,
    budgets=[{"name": "team-month", "per": ["caller"], "limit": {"tokens": LIMIT}, "window": "month",
              "at": [{"percent": 80, "downgrade": "economy"}, {"percent": 100, "reject": True}]}],
    output_reserve=RESERVE)
DOLLARS = dict(
    HOUSE,
    budgets=[{"name": "purse", "per": ["caller"], "limit": {"usd": 0.01}, "window": "month"}],
    output_reserve=RESERVE)


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY)


def spend(tollgate, caller, tokens, model="gpt-5.4"):
    """A call after which the caller has used so much more."""
    provider = "deepseek" if model == "cheap" else "openai"
    tollgate.fake[provider].faults({"usage": {"input": tokens - 1, "output": 1}})
    return tollgate.openai(team=caller).chat.completions.with_raw_response.create(model=model, messages=user("hi"))


def budget(record):
    (state,) = record["tollgate.budgets"]
    return state


# ── Charged by what the provider says ───────────────────────────────────────────────────────────────────────────────

def test_a_call_is_settled_by_the_providers_usage(tollgate):
    caller = team()
    spend(tollgate, caller, 350)
    spend(tollgate, caller, 250)
    first, second = tollgate.records(2)
    assert (first["gen_ai.usage.input_tokens"], first["gen_ai.usage.output_tokens"]) == (349, 1)
    assert not first["tollgate.usage_estimated"]
    assert budget(first)["used"] == 350 and budget(second)["used"] == 600
    assert (budget(second)["name"], budget(second)["limit"], budget(second)["percent"]) == ("team-month", LIMIT, 6)


def test_the_caller_is_told_what_is_left(tollgate):
    caller = team()
    spend(tollgate, caller, 600)
    answer = spend(tollgate, caller, 1)
    name, _, left = answer.headers["x-tollgate-budget-remaining"].partition("=")
    assert name == "team-month" and LIMIT - 600 - RESERVE - 100 <= int(left) <= LIMIT - 600


def test_a_stream_is_settled_by_usage_that_its_caller_does_not_see(tollgate):
    caller = team()
    tollgate.fake["openai"].faults({"usage": {"input": 700, "output": 70}})
    chunks = list(tollgate.openai(team=caller).chat.completions.create(
        model="gpt-5.4", messages=user("one two three"), stream=True))
    assert said(chunks) == "one two three"
    assert all(chunk.choices for chunk in chunks) and all(chunk.usage is None for chunk in chunks)
    (request,) = tollgate.fake["openai"].requests()
    assert request["json"]["stream_options"] == {"include_usage": True}
    (record,) = tollgate.records(1)
    assert budget(record)["used"] == 770 and not record["tollgate.usage_estimated"]


def test_a_caller_that_asked_for_usage_in_its_stream_sees_it(tollgate):
    tollgate.fake["openai"].faults({"usage": {"input": 700, "output": 70}})
    chunks = list(tollgate.openai(team=team()).chat.completions.create(
        model="gpt-5.4", messages=user("one two three"), stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 770
    assert budget(tollgate.records(1)[0])["used"] == 770


def test_other_stream_options_of_the_caller_stay(tollgate):
    list(tollgate.openai(team=team()).chat.completions.create(
        model="gpt-5.4", messages=user("hi"), stream=True,
        stream_options={"include_usage": False, "include_obfuscation": False}))
    (request,) = tollgate.fake["openai"].requests()
    assert request["json"]["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_a_translated_stream_is_settled_by_its_providers_usage(tollgate):
    tollgate.fake["anthropic"].faults({"usage": {"input": 400, "output": 40}})
    chunks = list(tollgate.openai(team=team()).chat.completions.create(
        model="claude", messages=user("one two three"), stream=True))
    assert said(chunks) == "one two three" and all(chunk.choices for chunk in chunks)
    assert budget(tollgate.records(1)[0])["used"] == 440


def test_a_provider_that_reports_no_usage_is_settled_by_an_estimate(tollgate):
    tollgate.fake["openai"].faults("no-usage")
    tollgate.openai(team=team()).chat.completions.create(model="gpt-5.4", messages=user("word " * 200))
    (record,) = tollgate.records(1)
    assert record["tollgate.usage_estimated"]
    assert 300 <= budget(record)["used"] <= 700  # 200 words there and 200 back


def test_a_refused_or_failed_call_costs_nothing(tollgate):
    caller = team()
    client = tollgate.openai(team=caller).chat.completions
    with pytest.raises(openai.BadRequestError):
        client.create(model="gpt-5.4", messages=user("OPERATION-BLUE"))
    tollgate.fake["openai"].faults("500")
    with pytest.raises(openai.InternalServerError):
        client.create(model="gpt-5.4", messages=user("hi"))
    spend(tollgate, caller, 10)
    assert budget(tollgate.records(3)[-1])["used"] == 10


# ── Aborts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_an_aborted_stream_is_charged_for_what_was_sent_and_received(tollgate):
    caller = team()
    tollgate.fake["openai"].faults({"drip": {"bytes": 250, "every": 0.02}})
    stream = tollgate.openai(team=caller).chat.completions.create(
        model="gpt-5.4", messages=user("word " * 400), stream=True)
    for number, _ in enumerate(stream):
        if number == 20:
            break
    stream.close()
    (record,) = tollgate.records(1)
    assert record["tollgate.aborted"] and record["tollgate.usage_estimated"]
    assert 300 <= record["gen_ai.usage.input_tokens"] <= 900 and 1 <= record["gen_ai.usage.output_tokens"] < 300
    used = record["gen_ai.usage.input_tokens"] + record["gen_ai.usage.output_tokens"]
    assert budget(record)["used"] == used
    spend(tollgate, caller, 10)
    assert budget(tollgate.records(2)[-1])["used"] == used + 10


def test_an_abort_before_any_answer_gives_the_reservation_back(tollgate):
    caller = team()
    tollgate.fake["openai"].faults("stall")
    with pytest.raises(openai.APITimeoutError):
        tollgate.openai(team=caller, timeout=0.4).chat.completions.create(model="gpt-5.4", messages=user("hi"))
    wait_for(lambda: len(tollgate.access_log()) == 1, "the aborted call's line")
    spend(tollgate, caller, 10)
    assert budget(tollgate.records(2)[-1])["used"] <= 10 + 30


# ── Over it ─────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True])
def test_over_the_budget_is_a_429_that_no_sdk_retries(tollgate, stream):
    caller = team()
    spend(tollgate, caller, LIMIT)
    tollgate.reset()
    started = time.monotonic()
    with pytest.raises(openai.RateLimitError) as raised:
        tollgate.openai(team=caller, max_retries=3).chat.completions.create(
            model="gpt-5.4", messages=user("hi"), stream=stream)
    assert time.monotonic() - started < 5
    error, headers = raised.value.body, raised.value.response.headers
    assert error["code"] == "insufficient_quota" and "team-month" in error["message"]
    assert 0 < int(headers["retry-after"]) <= 31 * 86400 and headers["x-should-retry"] == "false"
    assert headers["x-tollgate-decision"] == "over_budget"
    assert asked(tollgate) == []
    (record,) = tollgate.records(1)
    assert record["tollgate.decision"] == "over_budget" and record["error.type"] == "insufficient_quota"


def test_anthropics_sdk_is_told_in_its_own_dialect(tollgate):
    import anthropic
    caller = team()
    spend(tollgate, caller, LIMIT)
    with pytest.raises(anthropic.RateLimitError) as raised:
        tollgate.anthropic(team=caller).messages.create(model="claude-sonnet-5", max_tokens=5, messages=user("hi"))
    assert raised.value.body["error"]["type"] == "rate_limit_error"


def test_at_its_threshold_a_request_is_downgraded_to_a_cheaper_chain(tollgate):
    caller = team()
    spend(tollgate, caller, int(LIMIT * 0.79))
    before = spend(tollgate, caller, int(LIMIT * 0.02), model="smart")
    assert before.headers["x-tollgate-model"] == "gpt-5.4"
    answer = spend(tollgate, caller, 5, model="smart")
    assert answer.headers["x-tollgate-decision"] == "downgraded"
    assert answer.headers["x-tollgate-provider"] == "deepseek"
    assert answer.headers["x-tollgate-model"] == "deepseek-v4-flash"
    (request,) = tollgate.fake["deepseek"].requests()
    assert request["json"]["model"] == "deepseek-v4-flash"
    record = tollgate.records(3)[-1]
    assert record["tollgate.chain"] == "economy" and record["tollgate.route"] == "smart"


def test_callers_do_not_use_up_each_others_budget(tollgate):
    rich, poor = team(), team()
    spend(tollgate, poor, LIMIT)
    spend(tollgate, rich, 10)
    with pytest.raises(openai.RateLimitError):
        spend(tollgate, poor, 10)
    spend(tollgate, rich, 10)
    assert budget(tollgate.records(4)[-1])["used"] == 20


def test_a_prompt_that_does_not_fit_what_is_left_is_refused(tollgate):
    caller = team()
    spend(tollgate, caller, LIMIT - 500)
    with pytest.raises(openai.RateLimitError):
        tollgate.openai(team=caller).chat.completions.create(model="cheap", messages=user("word " * 1000))
    spend(tollgate, caller, 100, model="cheap")


def test_many_at_once_never_pass_the_cap(tollgate):
    caller, each = team(), 100
    tollgate.fake["openai"].faults({"usage": {"input": 60, "output": 40}}, sticky=True)
    tollgate.fake["deepseek"].faults({"usage": {"input": 60, "output": 40}}, sticky=True)
    client = tollgate.openai(team=caller, asynchronous=True)

    async def ask(number):
        try:
            answer = await client.chat.completions.create(
                model="gpt-5.4", messages=user("number %d" % number), stream=number % 2 == 1)
            if number % 2:
                async for _ in answer:
                    pass
            return each
        except openai.RateLimitError:
            return 0

    async def all_of_them():
        return await asyncio.gather(*map(ask, range(200)))

    spent = sum(asyncio.run(all_of_them()))
    records = tollgate.records(200)
    usage = [fake.usage() for fake in (tollgate.fake["openai"], tollgate.fake["deepseek"])]
    assert spent == sum(sums["input"] + sums["output"] for sums in usage)
    assert LIMIT / 2 <= spent <= LIMIT
    assert max(budget(record)["used"] for record in records) <= LIMIT
    connections = tollgate.envoy.admin("/stats?filter=downstream_cx_total")
    workers = re.findall(r"worker_(\d)\.downstream_cx_total: [1-9]", connections)
    assert set(workers) == {"0", "1"}, "both workers must have had a part in it"
    # Nothing is left behind: what is left can still be spent.
    tollgate.fake["deepseek"].reset()
    left = LIMIT - spent
    if left > 2 * RESERVE:
        spend(tollgate, caller, 1, model="cheap")
        assert budget(tollgate.records(201)[-1])["used"] == spent + 1


# ── Money ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_dollar_budget_counts_what_the_model_that_answered_costs(gateway):
    tollgate = gateway(policy=DOLLARS, concurrency=1)
    caller = team()

    def call():
        tollgate.fake["openai"].faults({"usage": {"input": 1000, "output": 100}})
        return tollgate.openai(team=caller).chat.completions.with_raw_response.create(
            model="gpt-5.4", messages=user("hi"))

    assert call().headers["x-tollgate-cost-usd"] == "0.004000"  # 1000 × 2.5 + 100 × 15 micro-dollars
    call()
    call()
    with pytest.raises(openai.RateLimitError):
        call()
    records = tollgate.records(4)
    assert [record.get("tollgate.cost_microusd") for record in records[:3]] == [4000, 4000, 4000]
    assert budget(records[2])["used"] == 12000 and budget(records[2])["limit"] == 10000


def test_a_failed_over_call_is_charged_at_the_price_of_the_one_that_answered(gateway):
    tollgate = gateway(policy=DOLLARS, concurrency=1)
    tollgate.fake["openai"].faults("429")
    tollgate.fake["deepseek"].faults("500")
    tollgate.fake["anthropic"].faults({"usage": {"input": 1000, "output": 100}})
    answer = tollgate.openai(team=team()).chat.completions.with_raw_response.create(model="smart", messages=user("hi"))
    assert answer.headers["x-tollgate-cost-usd"] == "0.003000"  # 1000 × 2 + 100 × 10
    assert budget(tollgate.records(1)[0])["used"] == 3000
