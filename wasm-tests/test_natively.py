"""Each SDK at the fake of its own provider, without a gateway: what works here has to work through the gateway."""

import openai
import pytest

import sdks
from sdks import DRIVERS, Wish

MODELS = {"openai": "gpt-5.4", "azure_openai": "gpt-5.4", "anthropic": "claude-sonnet-5", "gemini": "gemini-3.5-flash",
          "deepseek": "deepseek-v4-pro", "qwen": "qwen-plus", "mistral": "mistral-large-latest",
          "openrouter": "anthropic/claude-sonnet-5", "openai_compatible": "house-llama"}
TEXT = "Grüezi from the application"


class InOwnWords(sdks.OpenAIChat):
    """OpenAI's SDK as an application uses it with another vendor: that vendor's names for two fields."""

    def options(self, wish):
        asked = super().options(wish)
        asked["max_tokens"] = asked.pop("max_completion_tokens")
        return asked


def base(path):
    return lambda url: InOwnWords(url, "", client=openai.OpenAI(base_url=url + path, **sdks.openai_options("k")))


NATIVE = {
    "openai": lambda url: sdks.OpenAIChat(url, "k"),
    "responses": lambda url: sdks.OpenAIResponses(url, "k"),
    "azure_openai": lambda url: sdks.OpenAIChat(url, "", client=openai.AzureOpenAI(
        azure_endpoint=url, api_version="2024-10-21", **sdks.openai_options("k"))),
    "azure_v1": lambda url: sdks.OpenAIChat(url, "", client=openai.OpenAI(
        base_url=url + "/openai/v1", **sdks.openai_options("k"))),
    "anthropic": lambda url: DRIVERS["anthropic"](url, "k"),
    "gemini": lambda url: DRIVERS["gemini"](url, "k"),
    "mistral": lambda url: DRIVERS["mistral"](url, "k"),
    "deepseek": base(""),
    "qwen": base("/compatible-mode/v1"),
    "openrouter": base("/api/v1"),
    "openai_compatible": base("/v1"),
}
FAKE = {"responses": "openai", "azure_v1": "azure_openai"}
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(params=sorted(NATIVE))
def native(request, fakes):
    """The SDK's driver, a model's name, and the fake."""
    name = FAKE.get(request.param, request.param)
    return NATIVE[request.param](fakes[name].url), MODELS[name], fakes[name]


@STREAMS
def test_it_echoes_and_counts(native, stream):
    sdk, model, fake = native
    said = sdk.say(Wish(model, TEXT + " from the cache", stream=stream))
    assert (said.text, said.finish) == (TEXT + " from the cache", "stop")
    assert said.usage == {"input": 7, "output": 7, "cached": 3, "reasoning": 0}
    assert said.pieces > 1 or not stream
    assert {key: fake.usage()[key] for key in ("input", "output")} == {"input": 7, "output": 7}


@STREAMS
def test_it_knows_its_instructions(native, stream):
    sdk, model, _ = native
    assert sdk.say(Wish(model, "repeat your instructions", stream=stream, system="Be brief.")).text == "Be brief."


@STREAMS
@pytest.mark.parametrize("thinks", [False, True], ids=["", "thinking"])
@pytest.mark.parametrize("count", [1, 2], ids=["one", "two"])
def test_it_calls_tools_and_reads_their_results(native, stream, count, thinks):
    sdk, model, _ = native
    text = "use two tools" if count == 2 else "use the tool"
    wish = Wish(model, text, stream=stream, tools=True, thinks=thinks)
    talk = sdk.begin(wish)
    said = sdk.ask(wish, talk)
    assert said.named == [("find", {"query": text}), ("count", {"query": text})][:count] and said.finish == "tools"
    said = sdk.ask(wish, sdk.go_on(talk, said, ["one", "two"][:count]))
    assert (said.text, said.calls, said.finish) == ("The tool said: " + "\n".join(["one", "two"][:count]), [], "stop")


def test_its_structured_answer_fits_the_schema(native):
    sdk, model, fake = native
    if fake.name == "deepseek":
        with pytest.raises(openai.BadRequestError):
            sdk.say(Wish(model, TEXT, structured=True))
        return
    said = sdk.say(Wish(model, TEXT, structured=True))
    assert said.card == sdks.Card(title=TEXT, tags=[TEXT], pages=1, final=True)


@STREAMS
def test_it_sees_an_image(native, stream):
    sdk, model, fake = native
    if fake.name == "deepseek":
        with pytest.raises(openai.UnprocessableEntityError):
            sdk.say(Wish(model, TEXT, image=True))
        return
    assert sdk.say(Wish(model, TEXT, image=True, stream=stream)).text == TEXT + " (images: 1)"


@STREAMS
def test_it_reasons(native, stream):
    sdk, model, fake = native
    said = sdk.say(Wish(model, TEXT, thinks=True, stream=stream))
    assert said.text == TEXT and said.usage["output"] == 11
    if fake.name not in ("openai", "azure_openai", "openrouter") or isinstance(sdk, sdks.OpenAIResponses):
        assert said.thoughts == "I was told: " + TEXT
    if sdk.counts_thoughts:
        assert said.usage["reasoning"] == 7


@STREAMS
def test_it_stops(native, stream):
    sdk, model, _ = native
    if "stop" in sdk.lacks:
        pytest.skip("the API has no stop sequences")
    said = sdk.say(Wish(model, "one two STOP three", stop="STOP", stream=stream))
    assert said.text == "one two " and said.finish == "stop"


@pytest.mark.parametrize("kind", ["rate_limited", "invalid_request", "server_error", "overloaded", "auth", "timeout"])
def test_its_errors_are_raised(native, kind):
    sdk, model, fake = native
    status = fake.errors()["errors"][kind]
    fake.faults({"error": kind})
    with pytest.raises(sdk.errors) as raised:
        sdk.say(Wish(model, TEXT))
    assert sdk.status(raised.value) == status
