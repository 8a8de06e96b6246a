"""Every SDK against every kind of provider through the gateway: what an application does, asked in one dialect and
answered in another. Where a provider has no place for something, the refusal names the field.

COMPATIBILITY.md is made from what passed here: `make tables`.
"""

import re

import anthropic
import openai
import pytest

import kinds
from harness import PROVIDERS
from house import CARD, EMAIL, OTHER_EMAIL, assert_nowhere
from kinds import CALLERS_KEY, MODELS
from sdks import DRIVERS, Card, Wish

TEXT = "Grüezi from the application"
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# What a kind cannot do whoever asks, and how the refusal has to name it, in any caller's words; then what it can only do
# in a stream.
FORMAT = r"response_?(format|schema|json_?schema)|text\.format|output_(config|format)"
REFUSED = {("deepseek", "image"): r"image|inline_?data", ("deepseek", "structured"): FORMAT}
THOUGHT = r"reasoning|thinking|effort"
ONLY_STREAMED = {("qwen", "reasoning"): THOUGHT, ("qwen", "reasoning with tools"): THOUGHT}
# Whose chat completions keep the text of the reasoning to themselves; their Responses API shows a summary.
SILENT = ("openai", "azure_openai")
HIDDEN = (("openai", "gemini"),)           # OpenAI's API has no words to ask for the text
SHOWN = (("responses", "openai"), ("responses", "azure_openai"), ("mistral", "mistral"))
ERRORS = ("rate_limited", "invalid_request")
# What does not work yet: the caller, the kinds (None: all), the features, whether it streams (None: either), and why.
KNOWN = []


def errors_of(kind):
    """Models of their own for errors: what happened to one target must not matter to another test."""
    return [kinds.route("%s-%s-%s" % (error, caller, kind), "%s/%s-%s-%s" % (kind, MODELS[kind], error, caller))
            for error in ERRORS for caller in DRIVERS]


@pytest.fixture(scope="session")
def _gateway(gateways):
    return gateways.get(policy=kinds.policy([each for kind in PROVIDERS for each in errors_of(kind)]))


@pytest.fixture(scope="session")
def _sdks(_gateway):
    """One client for each: to make them takes longer than to use them."""
    return {name: driver(_gateway.url, CALLERS_KEY) for name, driver in DRIVERS.items()}


@pytest.fixture(params=PROVIDERS)
def kind(request):
    return request.param


@pytest.fixture(params=sorted(DRIVERS))
def caller(request):
    return request.param


@pytest.fixture
def tollgate(_gateway):
    _gateway.reset()
    return _gateway


@pytest.fixture
def sdk(tollgate, _sdks, caller):
    return _sdks[caller]


@pytest.fixture
def may(request, sdk, kind, caller, compatibility):
    """`with may(feature):` around what the SDK does; a combination that is refused by design ends the test there."""
    class Attempt:
        def __init__(self, feature):
            self.feature, self.refused = feature, REFUSED.get((kind, feature))
            stream = request.node.callspec.params.get("stream")
            if stream is False:
                self.refused = self.refused or ONLY_STREAMED.get((kind, feature))
            # Until it is done it does not work: a cell is made of all of its tests.
            self.cell = dict(caller=caller, kind=kind, feature=feature, test=request.node.name, outcome="fails",
                             why="a test failed")
            compatibility.add(self.cell)
            for who, which, what, how, why in KNOWN:
                if who in (None, caller) and kind in which and feature in what and how in (None, stream):
                    request.applymarker(pytest.mark.xfail(reason=why, strict=True))
                    self.cell["why"] = why
            if feature in sdk.lacks:
                self.cell["outcome"] = "lacks"
                pytest.skip("the caller's API has no words for it")

        def __enter__(self):
            return self

        def __exit__(self, _type, error, _traceback):
            if self.refused is None or error is None:
                assert self.refused is None or error, "it was not refused"
                return False
            assert isinstance(error, sdk.errors) and sdk.status(error) == 422, error
            assert re.search(self.refused, str(error), re.IGNORECASE), error
            return True

        def done(self):
            self.cell["outcome"] = "refused" if self.refused else "works"
    return Attempt


def to(kind, text=TEXT, **more):
    return Wish("to-" + kind, text, **more)


@STREAMS
def test_a_chat(sdk, kind, may, stream):
    attempt = may("stream" if stream else "chat")
    with attempt:
        said = sdk.say(to(kind, stream=stream))
        assert (said.text, said.calls, said.finish) == (TEXT, [], "stop")
        assert said.pieces > 1 or not stream
    attempt.done()


@STREAMS
def test_a_system_prompt(sdk, kind, may, stream):
    attempt = may("system")
    with attempt:
        assert sdk.say(to(kind, "Repeat your instructions", stream=stream, system="Be brief.")).text == "Be brief."
    attempt.done()


@STREAMS
def test_a_stop_sequence(sdk, kind, may, stream):
    attempt = may("stop")
    with attempt:
        said = sdk.say(to(kind, "one two STOP three", stop="STOP", stream=stream))
        assert said.text == "one two " and said.finish == "stop"
    attempt.done()


@STREAMS
def test_the_bound_on_tokens(sdk, kind, may, stream):
    attempt = may("max_tokens")
    with attempt:
        said = sdk.say(to(kind, "one two three four", max_tokens=2, stream=stream))
        assert said.text == "one two" and said.finish == "length"
    attempt.done()


@STREAMS
def test_the_usage(sdk, kind, may, tollgate, stream):
    attempt = may("usage")
    with attempt:
        said = sdk.say(to(kind, "this is read from the cache as it was before", stream=stream))
        told = tollgate.fake[kind].usage()
        assert said.usage == {"input": told["input"], "output": told["output"], "cached": 5, "reasoning": 0}
        (record,) = tollgate.records(1)
        assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (10, 10)
    attempt.done()


def with_tools(sdk, wish, count):
    """Two turns: the calls, and the answer to their results."""
    talk = sdk.begin(wish)
    said = sdk.ask(wish, talk)
    assert said.named == [("find", {"query": wish.text}), ("count", {"query": wish.text})][:count]
    assert said.finish == "tools" and len({call[0] for call in said.calls}) == count
    results = ["first result", "second result"][:count]
    said = sdk.ask(wish, sdk.go_on(talk, said, results))
    assert (said.text, said.calls, said.finish) == ("The tool said: " + "\n".join(results), [], "stop")


@STREAMS
def test_tools_with_results(sdk, kind, may, stream):
    attempt = may("streamed tools" if stream else "tools")
    with attempt:
        with_tools(sdk, to(kind, "use the tool", tools=True, stream=stream), 1)
    attempt.done()


@STREAMS
def test_tools_in_parallel(sdk, kind, may, stream):
    attempt = may("parallel tools")
    with attempt:
        with_tools(sdk, to(kind, "use two tools", tools=True, stream=stream), 2)
    attempt.done()


@STREAMS
def test_tools_while_it_reasons(sdk, kind, may, stream):
    """Reasoning that is signed has to come back as it was."""
    attempt = may("reasoning with tools")
    with attempt:
        with_tools(sdk, to(kind, "use the tool", tools=True, stream=stream, thinks=True), 1)
    attempt.done()


@STREAMS
def test_reasoning(sdk, kind, caller, may, tollgate, stream):
    attempt = may("reasoning")
    with attempt:
        said = sdk.say(to(kind, thinks=True, stream=stream))
        assert said.text == TEXT and said.usage["output"] == tollgate.fake[kind].usage()["output"] == 11
        shown = sdk.shows_thoughts and kind not in SILENT and (caller, kind) not in HIDDEN or (caller, kind) in SHOWN
        assert said.thoughts == ("I was told: " + TEXT if shown else "")
        if sdk.counts_thoughts and kind != "mistral":
            assert said.usage["reasoning"] == 7
    attempt.done()


def test_a_structured_answer(sdk, kind, may):
    attempt = may("structured")
    with attempt:
        said = sdk.say(to(kind, structured=True))
        assert said.card == Card(title=TEXT, tags=[TEXT], pages=1, final=True)
    attempt.done()


@STREAMS
def test_an_image(sdk, kind, may, stream):
    attempt = may("image")
    with attempt:
        assert sdk.say(to(kind, image=True, stream=stream)).text == TEXT + " (images: 1)"
    attempt.done()


@STREAMS
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_the_sdks_own_exception(sdk, kind, caller, may, tollgate, error, stream):
    attempt = may("errors")
    status = tollgate.fake[kind].errors()["errors"][error]
    tollgate.fake[kind].faults({"error": error}, sticky=True)
    with pytest.raises(sdk.errors) as raised:
        sdk.say(Wish("%s-%s-%s" % (error, caller, kind), TEXT, stream=stream, max_tokens=None))
    assert sdk.status(raised.value) == status
    if error == "rate_limited" and caller in ("openai", "responses", "anthropic"):
        assert isinstance(raised.value, (openai.RateLimitError, anthropic.RateLimitError))
    attempt.done()


@STREAMS
def test_what_was_redacted_is_restored(sdk, kind, may, tollgate, stream):
    attempt = may("redaction")
    text = "Use the tool for %s with %s" % (EMAIL, CARD)
    with attempt:
        assert sdk.say(to(kind, text, stream=stream)).text == text
        wish = to(kind, text, tools=True, stream=stream)
        talk = sdk.begin(wish)
        said = sdk.ask(wish, talk)
        assert said.named == [("find", {"query": text})]
        said = sdk.ask(wish, sdk.go_on(talk, said, ["%s knows %s" % (EMAIL, OTHER_EMAIL)]))
        assert said.text == "The tool said: %s knows %s" % (EMAIL, OTHER_EMAIL)
        assert "<EMAIL_1> knows <EMAIL_2>" in tollgate.fake[kind].requests()[-1]["body"]
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL, CARD)
    attempt.done()


def test_the_callers_key_reaches_nobody(sdk, kind, may, tollgate):
    attempt = may("own key")
    said = sdk.say(to(kind))
    assert said.text == TEXT
    (sent,) = tollgate.fake[kind].requests()
    assert CALLERS_KEY not in sent["path"] + " ".join(sent["headers"].values())
    assert "fake-%s-key" % kind in " ".join(sent["headers"].values())
    attempt.done()
