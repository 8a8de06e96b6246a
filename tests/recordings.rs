//! Recorded traffic of real providers through the whole engine: untouched where nothing is vaulted, restored where
//! something is, the same in any cut, and whole in the other API.
//!
//! The recordings are not part of this repository: `TOLLGATE_RECORDINGS` names their folder, and without it these
//! tests say that they were skipped.

#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Answer, Ends, Gateway, Outcome, Request};

/// Provider and endpoint as recorded, and the provider of the policy that stands for it. OpenAI stands for those who
/// answer Responses as it does; a caller of chat completions never gets those, and the other way round.
const RECORDED: [(&str, &str, &str); 16] = [
    ("openai", "chat", "openai"),
    ("openai", "responses", "openai"),
    ("azure_openai", "chat", "azure"),
    ("azure_openai", "responses", "azure"),
    ("deepseek", "chat", "deepseek"),
    ("deepseek", "responses", "deepseek"),
    ("openrouter", "responses", "openai"),
    ("mistral", "chat", "mistral"),
    ("openrouter", "chat", "openrouter"),
    ("qwen", "chat", "qwen"),
    ("anthropic", "messages", "anthropic"),
    ("gemini", "chat", "openai"),
    ("gemini", "generateContent", "gemini"),
    ("gemini", "streamGenerateContent", "gemini"),
    ("vertex_gemini", "generateContent", "gemini"),
    ("vertex_gemini", "streamGenerateContent", "gemini"),
];

const POLICY: &str = r#"{"version": 1,
    "providers": {
        "openai": {"dialect": "openai", "cluster": "openai"},
        "anthropic": {"dialect": "anthropic", "cluster": "anthropic", "credential": "envoy"},
        "deepseek": {"dialect": "deepseek", "cluster": "deepseek", "credential": "envoy"},
        "gemini": {"dialect": "gemini", "cluster": "gemini", "credential": "envoy"},
        "azure": {"dialect": "azure_openai", "cluster": "azure", "credential": "envoy"},
        "mistral": {"dialect": "mistral", "cluster": "mistral", "credential": "envoy"},
        "openrouter": {"dialect": "openrouter", "cluster": "openrouter", "credential": "envoy"},
        "qwen": {"dialect": "qwen", "cluster": "qwen", "credential": "envoy"},
        "house": {"dialect": "openai_compatible", "cluster": "house", "credential": "envoy"}
    },
    "chains": {
        "openai": {"targets": ["openai/gpt-4.1"]}, "anthropic": {"targets": ["anthropic/claude-sonnet-5"]},
        "deepseek": {"targets": ["deepseek/deepseek-v4-flash"]}, "gemini": {"targets": ["gemini/gemini-3.5-flash"]}, "azure": {"targets": ["azure/any"]},
        "mistral": {"targets": ["mistral/any"]}, "openrouter": {"targets": ["openrouter/any"]},
        "qwen": {"targets": ["qwen/any"]}, "house": {"targets": ["house/any"]}
    },
    "routes": [
        {"name": "openai", "when": {"model": ["openai"]}, "use": "openai"},
        {"name": "anthropic", "when": {"model": ["anthropic"]}, "use": "anthropic"},
        {"name": "gemini", "when": {"model": ["gemini"]}, "use": "gemini"},
        {"name": "deepseek", "when": {"model": ["deepseek"]}, "use": "deepseek"},
        {"name": "azure", "when": {"model": ["azure"]}, "use": "azure"},
        {"name": "mistral", "when": {"model": ["mistral"]}, "use": "mistral"},
        {"name": "openrouter", "when": {"model": ["openrouter"]}, "use": "openrouter"},
        {"name": "qwen", "when": {"model": ["qwen"]}, "use": "qwen"},
        {"name": "house", "when": {"model": ["house"]}, "use": "house"}
    ]}"#;

const VALUE: &str = "anna.keller@example.org";

/// Streams up to this length are cut at every single point, longer ones at as many points as this allows.
const CUT_WORK: usize = 96 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    Anthropic,
    Gemini,
    Mistral,
    OpenAi,
    Responses,
}

struct Recording {
    id: String,
    endpoint: &'static str,
    provider: &'static str,
    kind: String,
    status: u16,
    complete: bool,
    body: Vec<u8>,
}

impl Recording {
    /// Whose API it is in.
    fn api(&self) -> Caller {
        match (self.provider, self.endpoint) {
            (_, "responses") => Caller::Responses,
            ("anthropic", _) => Caller::Anthropic,
            ("gemini", _) => Caller::Gemini,
            ("mistral", _) => Caller::Mistral,
            _ => Caller::OpenAi,
        }
    }

    fn others(&self) -> impl Iterator<Item = Caller> {
        let own = self.api();
        let all = [Caller::Anthropic, Caller::Gemini, Caller::Mistral, Caller::OpenAi, Caller::Responses];
        // Nothing is translated to Responses where a provider has another API.
        all.into_iter().filter(move |caller| *caller != own && own != Caller::Responses)
    }

    /// Who answers such a caller with it: of OpenAI's own APIs a caller gets the one that it speaks.
    fn provider_for(&self, caller: Caller) -> &'static str {
        let both = ["azure", "deepseek", "openai", "openrouter"].contains(&self.provider);
        if both && caller == Caller::Responses && self.api() != caller { "house" } else { self.provider }
    }
}

fn recordings() -> Option<Vec<Recording>> {
    let Some(folder) = std::env::var_os("TOLLGATE_RECORDINGS").map(PathBuf::from) else {
        println!("skipped: TOLLGATE_RECORDINGS is not set");
        return None;
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).expect("a manifest");
    let all = manifest.lines().filter_map(|line| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let known = RECORDED.iter().find(|(provider, endpoint, _)| {
            entry["provider"] == *provider && entry["endpoint"] == *endpoint
        })?;
        let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
        Some(Recording {
            id: text("id"),
            endpoint: known.1,
            provider: known.2,
            kind: text("kind"),
            status: u16::try_from(entry["status"].as_u64().expect("a status")).expect("a status"),
            complete: entry["sse_complete"] == true,
            body: std::fs::read(folder.join(text("response_file"))).expect("a recording"),
        })
    });
    let all: Vec<Recording> = all.collect();
    assert!(all.len() > 100, "recordings are missing");
    Some(all)
}

fn of_kind<'r>(recordings: &'r [Recording], kind: &'r str) -> impl Iterator<Item = &'r Recording> {
    recordings.iter().filter(move |recording| recording.kind == kind)
}

fn request(to: &str, caller: Caller, prompt: &str, stream: bool) -> Request {
    let messages = json!([{"role": "user", "content": prompt}]);
    if caller == Caller::Anthropic {
        let body = json!({"model": to, "max_tokens": 9, "stream": stream, "messages": messages});
        return Request::post("/v1/messages", body.to_string());
    }
    if caller == Caller::Gemini {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]});
        let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        return Request::post(&format!("/v1beta/models/{to}:{verb}"), body.to_string());
    }
    if caller == Caller::Responses {
        let body = json!({"model": to, "stream": stream, "input": messages});
        return Request::post("/v1/responses", body.to_string());
    }
    let mut body = json!({"model": to, "stream": stream, "messages": messages});
    if caller == Caller::Mistral {
        return Request::chat(body.to_string()).header("user-agent", "mistral-client-python/3.7.0");
    }
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    Request::chat(body.to_string())
}

/// One call: the recording's provider answers `body` to a caller of one API or the other.
struct Play<'p> {
    gateway: &'p Gateway,
    recording: &'p Recording,
    caller: Caller,
    prompt: &'p str,
    ends: Ends,
}

impl Play<'_> {
    fn stream(&self, body: &[u8], cuts: &[usize]) -> Outcome {
        let request = request(self.recording.provider_for(self.caller), self.caller, self.prompt, true);
        let answer = Answer::stream(body).cut(cuts).ends(self.ends);
        self.gateway.afresh().call(request, &[answer])
    }

    /// Cut once, at every point or at a sample of them; in pieces of seven bytes from every offset, so that every
    /// point is cut at; and byte by byte. Gives the number of single cuts.
    fn any_cut(&self, body: &[u8], whole: &Outcome) -> usize {
        let step = (body.len() * body.len() / CUT_WORK).max(1);
        let mut cut_up: Vec<Vec<usize>> = (1..body.len()).step_by(step).map(|at| vec![at]).collect();
        let single = cut_up.len();
        cut_up.extend((1..=7).map(|offset| (offset..body.len()).step_by(7).collect()));
        cut_up.push((1..body.len()).collect());
        for cuts in cut_up {
            let outcome = self.stream(body, &cuts);
            let told = format!("{}: cut at {:?}…", self.recording.id, &cuts[..cuts.len().min(2)]);
            assert!(outcome.body == whole.body, "{told}:\n{}\nis not\n{}", outcome.text(), whole.text());
            assert_eq!(outcome.record, whole.record, "{told}");
        }
        single
    }
}

#[test]
fn a_stream_in_place_is_untouched_in_any_cut() {
    let Some(recordings) = recordings() else { return };
    let gateway = Gateway::new(POLICY);
    let (mut streams, mut bytes, mut cuts) = (0, 0, 0);
    for recording in of_kind(&recordings, "sse") {
        let play = Play {
            gateway: &gateway,
            recording,
            caller: recording.api(),
            prompt: "hello",
            ends: Ends::Clean,
        };
        let whole = play.stream(&recording.body, &[]);
        assert_eq!(whole.status, 200, "{}: {}", recording.id, whole.text());
        assert!(whole.body == recording.body, "{}:\n{}", recording.id, whole.text());
        cuts += play.any_cut(&recording.body, &whole);
        streams += 1;
        bytes += recording.body.len();
    }
    println!(
        "{streams} streams of {bytes} bytes untouched, {cuts} single cuts, and pieces of 7 and of 1 byte"
    );
}

/// The events with their bytes, and where each stands.
fn events(body: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let blank = if text.contains("\r\n") { "\r\n\r\n" } else { "\n\n" };
    text.split_inclusive(blank).map(str::to_owned).collect()
}

/// The text that a stream's event continues, with the text's channel; JSON with the text left out.
fn text_of(event: &str) -> Option<(String, String, Value)> {
    let data = event.lines().find_map(|line| line.strip_prefix("data:"))?.trim();
    let mut json: Value = serde_json::from_str(data).ok()?;
    let (channel, spot) = if json["type"] == "content_block_delta" {
        let field = if json["delta"]["type"] == "text_delta" { "text" } else { "partial_json" };
        (format!("{} {field}", json["index"]), json.pointer_mut(&format!("/delta/{field}"))?)
    } else if json["type"].as_str().is_some_and(|kind| kind.starts_with("response.")) {
        let channel = format!("{} {} {}", json["output_index"], json["content_index"], json["type"]);
        (channel, json.pointer_mut("/delta")?)
    } else if let Some(part) = json.pointer("/candidates/0/content/parts/0") {
        (format!("text {}", part["thought"]), json.pointer_mut("/candidates/0/content/parts/0/text")?)
    } else {
        let choice = json.pointer("/choices/0")?.clone();
        if choice["delta"]["content"].as_str().is_some_and(|text| !text.is_empty()) {
            (format!("{} content", choice["index"]), json.pointer_mut("/choices/0/delta/content")?)
        } else {
            let call = choice.pointer("/delta/tool_calls/0")?.clone();
            let spot = json.pointer_mut("/choices/0/delta/tool_calls/0/function/arguments")?;
            (format!("{} {}", choice["index"], call["index"]), spot)
        }
    };
    let text = spot.take().as_str()?.to_owned();
    Some((channel, text, json))
}

fn with_text(event: &str, text: &str) -> String {
    let (_, _, mut json) = text_of(event).expect("a text");
    let spots = [
        "/delta",
        "/delta/text",
        "/delta/partial_json",
        "/candidates/0/content/parts/0/text",
        "/choices/0/delta/content",
        "/choices/0/delta/tool_calls/0/function/arguments",
    ];
    let spot = spots.iter().find(|spot| {
        json.pointer(spot).is_some_and(Value::is_null)
            && (**spot != "/choices/0/delta/content" || !json.to_string().contains("\"arguments\":null"))
    });
    *json.pointer_mut(spot.expect("a place")).expect("a place") = text.into();
    let line = event.lines().find(|line| line.starts_with("data:")).expect("data");
    event.replace(line, &format!("data: {json}"))
}

/// A placeholder that is cut over two events of one text: sent, and as the caller is to get it.
fn with_placeholder(events: &[String], first: usize, second: usize) -> (String, String) {
    let build = |before: &str, after: &str| {
        let mut events = events.to_vec();
        let text = |at: usize| text_of(&events[at]).expect("a text").1;
        let (one, two) = (text(first), text(second));
        events[first] = with_text(&events[first], &format!("{one}{before}"));
        events[second] = with_text(&events[second], &format!("{after}{two}"));
        events.concat()
    };
    (build("<EMA", "IL_1>"), build(VALUE, ""))
}

#[test]
fn a_placeholder_that_is_cut_over_two_events_is_restored_and_nothing_else_changes() {
    let Some(recordings) = recordings() else { return };
    let gateway = Gateway::new(POLICY);
    let (mut streams, mut placed, mut cuts) = (0, 0, 0);
    for recording in of_kind(&recordings, "sse") {
        let events = events(&recording.body);
        let texts: Vec<(usize, String)> =
            events.iter().enumerate().filter_map(|(at, event)| Some((at, text_of(event)?.0))).collect();
        // The next event of the same text, with whatever lies between.
        let pairs: Vec<(usize, usize)> = texts
            .iter()
            .enumerate()
            .filter_map(|(number, (at, channel))| {
                let next = texts[number + 1..].iter().find(|(_, other)| other == channel)?;
                Some((*at, next.0))
            })
            .collect();
        let mut chosen = [0, pairs.len() / 2, pairs.len().saturating_sub(1)].to_vec();
        chosen.dedup();
        for (number, pair) in chosen.iter().filter_map(|at| pairs.get(*at)).enumerate() {
            let (sent, expected) = with_placeholder(&events, pair.0, pair.1);
            let play = Play {
                gateway: &gateway,
                recording,
                caller: recording.api(),
                prompt: VALUE,
                ends: Ends::Clean,
            };
            let whole = play.stream(sent.as_bytes(), &[]);
            assert_eq!(whole.text(), expected, "{}: events {pair:?}", recording.id);
            if number == 0 {
                cuts += play.any_cut(sent.as_bytes(), &whole);
            }
            placed += 1;
        }
        streams += usize::from(!pairs.is_empty());
    }
    assert!(placed > 100, "{placed} placeholders only");
    println!("{placed} placeholders restored in {streams} streams, {cuts} single cuts");
}

#[test]
fn a_stream_in_the_other_api_is_whole_if_the_recording_is_in_any_cut() {
    let Some(recordings) = recordings() else { return };
    let gateway = Gateway::new(POLICY);
    let (mut streams, mut cuts) = (0, 0);
    let both = of_kind(&recordings, "sse").flat_map(|it| it.others().map(move |caller| (it, caller)));
    for (recording, caller) in both {
        let play = Play { gateway: &gateway, recording, caller, prompt: "hello", ends: Ends::Clean };
        let half = recording.body.len() / 2;
        for (body, complete) in [(&recording.body[..], recording.complete), (&recording.body[..half], false)]
        {
            let whole = play.stream(body, &[]);
            let last = match caller {
                Caller::OpenAi | Caller::Mistral => "data: [DONE]\n\n",
                Caller::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                // Nothing but a reason for stopping marks the end.
                Caller::Gemini if whole.text().contains("\"finishReason\":") => "}\r\n\r\n",
                Caller::Responses if whole.text().contains("\nevent: response.completed\n") => "}\n\n",
                Caller::Responses if whole.text().contains("\nevent: response.incomplete\n") => "}\n\n",
                Caller::Gemini | Caller::Responses => "no end",
            };
            let ends = whole.status == 200 && whole.text().ends_with(last);
            assert_eq!(ends, complete, "{}: {}: {}", recording.id, whole.status, whole.text());
            let text = whole.text().replace("\"error\":null", "");
            assert_eq!(text.contains("\"error\""), !complete, "{}: {text}", recording.id);
        }
        let whole = play.stream(&recording.body, &[]);
        cuts += play.any_cut(&recording.body, &whole);
        streams += 1;
    }
    println!("{streams} streams translated, whole and halved, {cuts} single cuts");
}

#[test]
fn a_whole_answer_is_untouched_in_place_and_readable_in_the_other_api() {
    let Some(recordings) = recordings() else { return };
    let gateway = Gateway::new(POLICY);
    let (mut answers, mut errors, mut stops) = (0, 0, 0);
    for recording in recordings.iter().filter(|recording| recording.kind != "sse") {
        let (id, body) = (&recording.id, &recording.body);
        let call = |caller: Caller, cuts: &[usize]| {
            let answer = Answer { status: recording.status, ..Answer::json(200, body.clone()) }.cut(cuts);
            gateway.afresh().call(request(recording.provider_for(caller), caller, VALUE, false), &[answer])
        };
        let own = call(recording.api(), &[body.len() / 3, body.len() / 2]);
        // A safety stop is a failure; with nobody left to ask, its caller gets it as it came.
        let text = String::from_utf8_lossy(body);
        let stopped =
            ["SAFETY", "MODEL_ARMOR"].iter().any(|it| text.contains(&format!("\"finishReason\":\"{it}\"")));
        if recording.api() == Caller::Gemini && stopped {
            assert_eq!(own.record()["error.type"], "content_filter", "{id}");
            stops += 1;
        }
        assert_eq!(own.status, recording.status, "{id}: {}", own.text());
        assert!(own.body == *body, "{id}:\n{}", own.text());
        for caller in recording.others() {
            let other = call(caller, &[]);
            assert_eq!(other.status, recording.status, "{id}: {}", other.text());
            let json = other.json();
            if recording.kind == "error" {
                let error = if caller == Caller::Mistral { &json } else { &json["error"] };
                assert!(error["message"].is_string(), "{id}: {json}");
                continue;
            }
            let shaped = match caller {
                Caller::OpenAi | Caller::Mistral => "choices",
                Caller::Anthropic => "content",
                Caller::Gemini => "candidates",
                Caller::Responses => "output",
            };
            assert!(json[shaped].is_array(), "{id}: {json}");
            let tokens = ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"];
            for name in tokens {
                assert_eq!(own.record()[name], other.record()[name], "{id}: {name}");
            }
        }
        if recording.kind == "error" {
            errors += 1;
            continue;
        }
        // What is made in the background has used nothing yet.
        let pending = own.json()["status"] == "queued";
        assert!(pending || own.record()["gen_ai.usage.input_tokens"].is_u64(), "{id}: {}", own.record);
        answers += 1;
    }
    println!(
        "{answers} answers and {errors} errors untouched in place, and translated; {stops} safety stops told"
    );
}
