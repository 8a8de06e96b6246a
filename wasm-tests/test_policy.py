"""How a policy reaches the module, what happens to a bad one, and to what is in flight when it changes."""

import json
import threading
import time

import openai
import pytest

from house import CARD, EMAIL, HOUSE, REDACTED, TEXT, asked, assert_nowhere, body, prompt_at, team, user
from wire import Connection, request, send

SMALLEST = """\
version: 1
providers:
  openai:    {dialect: openai,    cluster: openai}
  anthropic: {dialect: anthropic, cluster: anthropic}
"""


# ── A bad policy ────────────────────────────────────────────────────────────────────────────────────────────────────

WRITTEN_DOWN = "sk-" + "this-is-a-key-written-down"
BAD = {
    "version": 1,
    "mood": "sunny",
    "providers": {
        "openai": {"dialect": "opnai", "cluster": "openai"},
        "anthropic": {"dialect": "anthropic", "cluster": "anthropic", "credential": WRITTEN_DOWN},
    },
    "chains": {"premium": {"targets": ["opnai/gpt-5.4"]}},
    "data": {"custom": [{"name": "employee", "pattern": "EMP-(\\d{6}"}]},
    "budgets": [{"name": "team", "limit": {"tokens": 100}, "window": "5 min"}],
}


@pytest.mark.parametrize("form", ["struct", "yaml", "json"])
def test_envoy_refuses_a_bad_policy_with_every_error_and_its_path(gateways, form):
    if form == "yaml":
        policy = "\n".join("%s: %s" % (key, json.dumps(value)) for key, value in BAD.items())
    else:
        policy = BAD if form == "struct" else json.dumps(BAD)
    log = gateways.refusal(policy)
    lines = [line.partition("tollgate: ")[2] for line in log.splitlines()]
    for path, said_of_it in [
        ("mood", "unknown"), ("providers.openai.dialect", 'did you mean "openai"'),
        ("providers.anthropic.credential", "not shown"),
        ("chains.premium.targets[0]", "opnai"), ("data.custom[0].pattern", "unclosed"), ("budgets[0].window", "5 min")]:
        found = any(path in line and said_of_it in line for line in lines)
        assert found, "%s: %s\n%s" % (path, said_of_it, log[-4000:])
    assert WRITTEN_DOWN not in log
    assert "panic" not in log


@pytest.mark.parametrize("policy, word", [
    ("", "empty"), ("version: 1\nproviders: [", "YAML"), ("just text", "expected"), ("[1, 2]", "expected"),
    ({"version": 2, "providers": {"openai": {"dialect": "openai"}}}, "version"),
    ({"version": 1, "providers": {}}, "providers"), ({"version": 1}, "providers"),
    ({"version": 1, "providers": {"openai": {"dialect": "openai", "credential": {"env": "NOT_SET"}}}}, "NOT_SET"),
], ids=["empty", "broken", "text", "list", "version", "no provider", "no providers", "no variable"])
def test_a_policy_that_is_none_is_refused(gateways, policy, word):
    log = gateways.refusal(policy)
    assert any("tollgate: " in line and word in line for line in log.splitlines()), log[-3000:]


def test_the_bypass_of_a_role_is_refused(gateway):
    from harness import Failed
    with pytest.raises(Failed, match="root_id"):
        gateway(policy=HOUSE, concurrency=1, edit=lambda text: text.replace("root_id: listener", "root_id: listner"))


# ── Every form of a good one ────────────────────────────────────────────────────────────────────────────────────────

def test_the_smallest_policy_as_yaml_text_redacts_opts_out_and_records(gateway):
    tollgate = gateway(policy=SMALLEST, concurrency=1)
    answer = tollgate.openai().chat.completions.create(model="gpt-5.4", messages=user(TEXT))
    assert answer.choices[0].message.content == TEXT and prompt_at(tollgate, "openai") == REDACTED
    (sent,) = tollgate.fake["openai"].requests()
    assert sent["json"]["store"] is False
    answer = tollgate.anthropic().messages.create(model="claude-sonnet-5", max_tokens=50, messages=user(TEXT))
    assert answer.content[0].text == TEXT
    assert [record["gen_ai.provider.name"] for record in tollgate.records(2)] == ["openai", "anthropic"]
    assert_nowhere(tollgate, EMAIL, CARD)


def test_json_text_and_struct_mean_the_same(gateway):
    hashes = set()
    for policy in (HOUSE, json.dumps(HOUSE)):
        tollgate = gateway(policy=policy) if policy is HOUSE else gateway(policy=policy, concurrency=1)
        answer = send(tollgate.port, body())
        assert answer.json["choices"][0]["message"]["content"] == TEXT
        hashes.add(tollgate.records(1)[0]["tollgate.policy"])
    assert len(hashes) == 1


def test_the_shipped_policy_works_as_it_stands(gateway):
    tollgate = gateway()
    tollgate.fake["openai"].faults("429")
    answer = tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user(TEXT))
    assert answer.choices[0].message.content == TEXT and answer.model == "deepseek-v4-pro"
    assert_nowhere(tollgate, EMAIL, CARD)


# ── Another policy while requests are in flight ─────────────────────────────────────────────────────────────────────

def test_an_update_leaves_an_open_stream_on_the_old_policy_and_new_requests_get_the_new(gateway):
    old = dict(HOUSE, timeouts={"total": "60s", "first_token": "10s", "answer": "10s"})
    new = dict(old, data=dict(HOUSE["data"], find={"email": "allow", "credit_card": "block"}))
    tollgate = gateway(policy=old, dynamic=True, fresh=True)
    text = "To %s: %s" % (EMAIL, "word " * 100)
    tollgate.fake["openai"].faults({"drip": {"bytes": 150, "every": 0.03}, "usage": {"input": 10, "output": 20}})
    caller = team()
    got, failures = [], []

    def read():
        try:
            for chunk in tollgate.openai(team=caller).chat.completions.create(
                    model="smart", messages=user(text + EMAIL), stream=True):
                got.append((time.monotonic(), chunk.choices[0].delta.content or ""))
        except Exception as error:  # noqa: BLE001 (a thread's failure must reach the test)
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 10
    while len(got) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    tollgate.update(new)
    updated = time.monotonic()

    # New requests: an address may pass, a card may not.
    answer = tollgate.openai(team=caller).chat.completions.create(model="gpt-5.4", messages=user("to " + EMAIL))
    assert answer.choices[0].message.content == "to " + EMAIL
    assert tollgate.fake["openai"].requests()[-1]["json"]["messages"] == user("to " + EMAIL)
    with pytest.raises(openai.BadRequestError):
        tollgate.openai(team=caller).chat.completions.create(model="gpt-5.4", messages=user(CARD))
    assert reader.is_alive() and got[-1][0] > updated - 1, "the stream was over before the update: nothing is proved"

    # The open one: as it began, redacted and restored to its end.
    reader.join(20)
    assert not failures and not reader.is_alive()
    assert "".join(piece for _, piece in got) == text + EMAIL
    assert EMAIL not in tollgate.fake["openai"].requests()[0]["body"]
    records = tollgate.records(3)
    by_decision = {record["tollgate.decision"]: record["tollgate.policy"] for record in records}
    assert by_decision["redacted"] != by_decision["allowed"] == by_decision["blocked"]
    streamed = next(record for record in records if record["tollgate.decision"] == "redacted")
    assert (streamed["gen_ai.usage.input_tokens"], streamed["gen_ai.usage.output_tokens"]) == (10, 20)


def test_requests_during_updates_are_none_of_them_lost_and_never_mixed(gateway):
    """Whichever policy a request meets, it keeps it from its prompt to its answer."""
    strict = dict(HOUSE, timeouts={"total": "60s", "first_token": "10s", "answer": "10s"})
    open_handed = dict(strict, data=dict(HOUSE["data"], find={"email": "allow"}))
    tollgate = gateway(policy=strict, dynamic=True, fresh=True)
    stop, results = threading.Event(), []

    def call():
        number = 0
        while not stop.is_set():
            number += 1
            try:
                answer = send(tollgate.port, body("n%d %s" % (number, EMAIL), stream=number % 2 == 0))
                results.append((answer.status, answer.text))
            except (OSError, EOFError) as error:
                results.append((0, repr(error)))

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for policy in (open_handed, strict, open_handed, strict):
        tollgate.update(policy)
        time.sleep(0.15)
    stop.set()
    for caller in callers:
        caller.join(15)
    assert len(results) > 30
    # A listener that is replaced closes the connections that it still has to accept; that is Envoy's, not ours.
    refused = [text for status, text in results if status not in (0, 200)]
    assert not refused, refused[:3]
    lost = [text for status, text in results if status == 0]
    assert len(lost) <= len(results) // 20, lost[:3]
    assert all("<EMAIL" not in text for status, text in results if status)
    decisions = {}
    for record in tollgate.records():
        decisions.setdefault(record["tollgate.policy"], set()).add(record["tollgate.decision"])
    assert sorted(map(sorted, decisions.values())) == [["allowed"], ["redacted"]]


def test_a_bad_update_leaves_the_policy_as_it_was(gateway):
    from harness import Failed
    tollgate = gateway(policy=dict(HOUSE, timeouts={"total": "50s"}), dynamic=True, fresh=True)
    with pytest.raises(Failed, match="refused the update|Unable to create"):
        tollgate.update(BAD)
    assert "providers.openai.dialect" in tollgate.log
    with Connection(tollgate.port) as connection:
        connection.send(request(body()))
        assert connection.answer().json["choices"][0]["message"]["content"] == TEXT
    assert asked(tollgate) == ["openai"]
    assert_nowhere(tollgate, EMAIL, CARD)
