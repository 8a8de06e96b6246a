//! How likely tokens were, as both of OpenAI's APIs write it.

use crate::chat::Logprob;
use crate::provider::build::{Object, list};
use crate::provider::fields::text_of;
use crate::wire::json::{Kind, Node};

/// Those of a list; what is none is left out.
pub(super) fn read(list: Option<Node<'_>>) -> Vec<Logprob> {
    let of = |node: Node<'_>| {
        let logprob = node.get("logprob").filter(|number| number.kind() == Kind::Number)?;
        let top = read(node.get("top_logprobs"));
        Some(Logprob { token: text_of(node, "token")?, logprob: logprob.raw().to_owned(), top })
    };
    list.into_iter().flat_map(|list| list.items()).filter_map(of).collect()
}

pub(super) fn write(logprobs: &[Logprob]) -> String {
    list(
        &logprobs
            .iter()
            .map(|logprob| one(logprob).raw("top_logprobs", &top(&logprob.top)).end())
            .collect::<Vec<_>>(),
    )
}

fn top(logprobs: &[Logprob]) -> String {
    list(&logprobs.iter().map(|logprob| one(logprob).end()).collect::<Vec<_>>())
}

fn one(logprob: &Logprob) -> Object {
    // A token may be a part of a character, whose bytes are lost by now.
    let known = !logprob.token.contains(char::REPLACEMENT_CHARACTER);
    let bytes: Vec<String> = logprob.token.bytes().filter(|_| known).map(|byte| byte.to_string()).collect();
    Object::new().text("token", &logprob.token).raw("logprob", &logprob.logprob).raw("bytes", &list(&bytes))
}
