//! In observe mode no byte changes, and nothing is refused.

use proptest::prelude::*;

use crate::draw::{cuts, request};
use crate::streams::script;
use crate::support::{Answer, Ends, Gateway, Request};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check, policy};

const STRICT: &str = r#""mode": "observe",
    "callers": {"identify": [{"header": "x-nobody"}], "unknown": "reject"},
    "data": {"find": {"email": "block"}, "media": "block"},
    "limits": {"body": "1KiB"},
    "budgets": [{"name": "day", "limit": {"tokens": 10}, "window": "day", "at": [{"percent": 100, "reject": true}]}]"#;

fn body() -> impl Strategy<Value = Vec<u8>> {
    let shaped = (any::<bool>(), any::<bool>()).prop_map(|(anthropic, large)| {
        let texts = ["to anna.keller@example.org".to_owned(), "x".repeat(if large { 2_000 } else { 2 })];
        let free = serde_json::json!({"k": 4_111_111_111_111_111_u64});
        request(anthropic, &texts, &free, &[7], "{\"to\": \"bob@example.org\"}").to_string().into_bytes()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..100), shaped]
}

fn answer() -> impl Strategy<Value = (bool, Vec<u8>)> {
    prop_oneof![
        script().prop_map(|script| (true, script.openai())),
        script().prop_map(|script| (true, script.in_blocks().anthropic())),
        (any::<bool>(), prop::collection::vec(any::<u8>(), 1..200)),
    ]
}

#[test]
fn observing_changes_no_byte_of_request_or_answer() {
    let gateway = Gateway::new(&policy(STRICT));
    let direct = gateway.afresh().direct();
    let path = prop_oneof![
        Just(OPENAI_PATH.to_owned()),
        Just(ANTHROPIC_PATH.to_owned()),
        "/[a-z]{0,8}(/[a-z]{0,8})?(\\?[a-z=&]{0,8})?",
    ];
    let headers = (any::<bool>(), any::<bool>());
    let ends = prop::sample::select(&[Ends::Clean, Ends::EmptyPiece, Ends::Trailers, Ends::Reset][..]);
    let inputs = (
        path,
        body(),
        answer(),
        // Envoy follows a 302 where a second pass is wanted, so a provider's own reaches the caller as 307.
        (200u16..600).prop_filter("a provider's own 302", |status| *status != 302),
        ends,
        headers,
        any::<bool>(),
        prop::collection::vec(any::<u32>(), 0..8),
    );
    check(
        400,
        &inputs,
        |(path, body, (stream, said), status, ends, (odd, compressed), is_direct, numbers)| {
            let mut request =
                Request::post(&path, body.clone()).header("x-team", "a").header("openai-project", "p");
            if odd {
                request = request.header("content-type", "text/plain");
            }
            if compressed {
                request = request.header("content-encoding", "gzip");
            }
            let answer = if stream { Answer::stream(said.clone()) } else { Answer::json(200, said.clone()) };
            let answer = Answer { status, ..answer }
                .cut(&cuts(&numbers, said.len()))
                .ends(ends)
                .header("x-request-id", "r")
                .header("content-length", "17");
            let from = if is_direct { &direct } else { &gateway };
            let headers = request.headers.clone();
            let given = answer.headers.clone();
            let outcome = from.afresh().call(request, &[answer]);
            prop_assert_eq!(outcome.sent.len(), 1, "{}", outcome.text());
            prop_assert_eq!(&outcome.sent[0].body, &body);
            for (name, value) in &headers {
                prop_assert_eq!(outcome.sent[0].headers.get_str(name), Some(value.as_str()), "{}", name);
            }
            prop_assert_eq!(outcome.status, status);
            prop_assert_eq!(&outcome.body, &said);
            for (name, value) in &given {
                prop_assert_eq!(outcome.headers.get_str(name), Some(value.as_str()), "{}", name);
            }
            let own = |name: &str| name.starts_with("x-tollgate-") || name == ":status";
            let added: Vec<_> = outcome
                .headers
                .iter()
                .map(|(name, _)| name)
                .filter(|name| {
                    !own(name)
                        && outcome.headers.get(name).is_some()
                        && !given.iter().any(|(known, _)| known == name)
                })
                .collect();
            prop_assert!(added.is_empty(), "{:?}", added);
            prop_assert!(outcome.record()["tollgate.mode"] == "observe");
            if ends != Ends::Reset {
                prop_assert!(outcome.record()["tollgate.aborted"].is_null(), "{}", outcome.record);
            }
            Ok(())
        },
    );
}
