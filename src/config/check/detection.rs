//! The part of `data` that says what is looked for: types, values that are let through, patterns and dictionaries of
//! the policy's own.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::config::error::{expectation, quoted, under_key};
use crate::config::node::{Choice, Fields, Node, Report};
use crate::config::source::Tree;
use crate::config::{
    Action, Allowed, AllowedValue, Answers, Checksum, CustomPattern, DATA_TYPES, Data, Dictionary,
    MinConfidence,
};

/// Of one compiled pattern, in bytes: more is a pattern that would slow every request down.
const LARGEST_PATTERN: usize = 1 << 20;
/// Characters between a value and the word that announces it.
const WITHIN: usize = 50;
const SURE: u8 = 100;

const ACTIONS: [Choice<Action>; 4] = [
    ("redact", Some(Action::Redact)),
    ("block", Some(Action::Block)),
    ("allow", Some(Action::Allow)),
    ("report", Some(Action::Report)),
];
const CHECKSUMS: [Choice<Checksum>; 6] = [
    ("luhn", Some(Checksum::Luhn)),
    ("verhoeff", Some(Checksum::Verhoeff)),
    ("mod97", Some(Checksum::Mod97)),
    ("mod11", Some(Checksum::Mod11)),
    ("iso7064_mod11_2", Some(Checksum::Iso7064Mod11_2)),
    ("iso7064_mod11_10", Some(Checksum::Iso7064Mod11_10)),
];
/// Whether case matters.
const CASES: [Choice<bool>; 2] = [("sensitive", Some(true)), ("insensitive", Some(false))];
/// Whether only whole words count.
const WORDS: [Choice<bool>; 2] = [("whole", Some(true)), ("anywhere", Some(false))];

/// Fills in what is looked for. `own` are the names that the policy gives to types of its own.
pub(super) fn detection(fields: &Fields, own: &[String], data: &mut Data, report: &mut Report) {
    let other = fields.get("min_confidence").and_then(|node| percent(&node, report));
    data.min_confidence.other = other.unwrap_or(MinConfidence::DEFAULT);
    if let Some(node) = fields.get("find") {
        find(&node, own, data, report);
    }
    if let Some(node) = fields.get("answers") {
        data.answers = answers(&node, own, report);
    }
    let allow = fields.get("allow").map(|node| node.list(report)).unwrap_or_default();
    data.allow = allow.iter().filter_map(|node| allowed(node, own, report)).collect();
    let mut names = Vec::new();
    for node in fields.get("custom").map(|node| node.list(report)).unwrap_or_default() {
        data.custom.extend(custom(&node, &mut names, data, report));
    }
    for node in fields.get("dictionaries").map(|node| node.list(report)).unwrap_or_default() {
        data.dictionaries.extend(dictionary(&node, &mut names, data, report));
    }
}

fn percent(node: &Node, report: &mut Report) -> Option<u8> {
    node.percent(0..=100, report).and_then(|percent| u8::try_from(percent).ok())
}

fn find(node: &Node, own: &[String], data: &mut Data, report: &mut Report) {
    for (name, node) in node.entries(report) {
        if !known_type(name, &node.path, own, report) {
            continue;
        }
        let mut action = Some(Action::Redact);
        if matches!(node.tree, Tree::Map(_)) {
            let fields = node.fields(&["action", "min_confidence"], report);
            if let Some(node) = fields.get("action") {
                action = node.choice("action", &ACTIONS, report);
            }
            let least = fields.get("min_confidence").and_then(|node| percent(&node, report));
            data.min_confidence.by_type.extend(least.map(|least| (name.to_owned(), least)));
        } else {
            action = node.choice("action", &ACTIONS, report);
        }
        data.find.extend(action.map(|action| (name.to_owned(), action)));
    }
}

/// One action for all types, or one for each that is named.
fn answers(node: &Node, own: &[String], report: &mut Report) -> Answers {
    let mut answers = Answers::default();
    if !matches!(node.tree, Tree::Map(_)) {
        answers.other = node.choice("action", &ACTIONS, report).unwrap_or(Action::Allow);
        return answers;
    }
    for (name, node) in node.entries(report) {
        if known_type(name, &node.path, own, report)
            && let Some(action) = node.choice("action", &ACTIONS, report)
        {
            answers.by_type.insert(name.to_owned(), action);
        }
    }
    answers
}

fn custom(node: &Node, names: &mut Vec<String>, data: &Data, report: &mut Report) -> Option<CustomPattern> {
    const KEYS: [&str; 8] =
        ["name", "pattern", "action", "case", "checksum", "context", "within", "confidence"];
    let entry = node.fields(&KEYS, report);
    let name = type_name(&entry, names, report);
    let sensitive = entry.get("case").and_then(|node| node.choice("case", &CASES, report)).unwrap_or(true);
    let pattern = entry.require("pattern", "write a regular expression", report);
    let pattern = pattern.and_then(|node| pattern_of(&node, sensitive, report));
    let action = own_action(&entry, name, &data.find, report);
    let checksum = entry.get("checksum").and_then(|node| node.choice("checksum", &CHECKSUMS, report));
    let context = entry.get("context").map(|node| node.one_or_more(report)).unwrap_or_default();
    let words = context.iter().filter_map(|node| node.word(report));
    let context: Vec<String> = words.map(|word| word.trim().to_lowercase()).collect();
    let within = entry.get("within").and_then(|node| {
        if entry.get("context").is_none() {
            report.error(&node.path, "means nothing without context");
        }
        node.integer(1..=1000, report)
    });
    let confidence = own_confidence(&entry, name, data, report);
    Some(CustomPattern {
        name: name?.to_owned(),
        pattern: pattern?,
        action,
        checksum,
        context,
        within: within.and_then(|within| usize::try_from(within).ok()).unwrap_or(WITHIN),
        confidence,
    })
}

fn dictionary(node: &Node, names: &mut Vec<String>, data: &Data, report: &mut Report) -> Option<Dictionary> {
    let entry = node.fields(&["name", "terms", "action", "case", "words", "confidence"], report);
    let name = type_name(&entry, names, report);
    let terms = entry.require("terms", "list the words", report);
    let terms = terms.map(|node| node.one_or_more(report)).unwrap_or_default();
    let terms = terms.iter().filter_map(|node| node.word(report)).map(|term| term.trim().to_owned());
    let terms = terms.collect();
    let action = own_action(&entry, name, &data.find, report);
    let case = entry.get("case").and_then(|node| node.choice("case", &CASES, report));
    let words = entry.get("words").and_then(|node| node.choice("words", &WORDS, report));
    let confidence = own_confidence(&entry, name, data, report);
    Some(Dictionary {
        name: name?.to_owned(),
        terms,
        action,
        case_sensitive: case.unwrap_or(false),
        whole_words: words.unwrap_or(true),
        confidence,
    })
}

/// Names that the policy gives in `custom` and `dictionaries`, sound or not.
pub(super) fn own_types(fields: &Fields) -> Vec<String> {
    let mut all = Vec::new();
    for section in ["custom", "dictionaries"] {
        if let Some(Node { tree: Tree::List(items), .. }) = fields.get(section) {
            all.extend(items.iter().filter_map(|item| item.get("name")?.as_text()).map(str::to_owned));
        }
    }
    all
}

fn type_name<'a>(entry: &Fields<'a>, names: &mut Vec<String>, report: &mut Report) -> Option<&'a str> {
    let node = entry.require("name", "it is what placeholders and records call the type", report)?;
    let text = node.word(report)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !text.chars().all(fits) || !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.len() > 40 {
        let allowed = "small letters, digits and \"_\", beginning with a letter, at most 40";
        report.error(&node.path, format!("{} cannot be a type's name; expected {allowed}", quoted(text)));
        return None;
    }
    if DATA_TYPES.contains(&text) {
        report
            .error(&node.path, format!("{} is a type of Tollgate's own; choose another name", quoted(text)));
        return None;
    }
    if names.iter().any(|name| name == text) {
        report.error(&node.path, format!("{} is defined twice", quoted(text)));
        return None;
    }
    names.push(text.to_owned());
    Some(text)
}

/// Of a custom pattern or a dictionary: its own, or the one in `data.find`.
fn own_action(
    entry: &Fields,
    name: Option<&str>,
    find: &BTreeMap<String, Action>,
    report: &mut Report,
) -> Action {
    let written = entry.get("action").and_then(|node| node.choice("action", &ACTIONS, report));
    let found = name.and_then(|name| find.get(name)).copied();
    if let (Some(written), Some(found)) = (written, found)
        && written != found
    {
        report.error(
            &under_key(&entry.path, "action"),
            "differs from the action in data.find; write it in one place",
        );
    }
    written.or(found).unwrap_or(Action::Redact)
}

fn own_confidence(entry: &Fields, name: Option<&str>, data: &Data, report: &mut Report) -> u8 {
    let Some(node) = entry.get("confidence") else { return SURE };
    let confidence = percent(&node, report).unwrap_or(SURE);
    let least = name.map_or(0, |name| data.min_confidence.of(name));
    if confidence < least {
        report.warn(&node.path, &format!("is below the least confidence, {least}: nothing is ever found"));
    }
    confidence
}

pub(super) fn known_type(name: &str, path: &str, own: &[String], report: &mut Report) -> bool {
    let known = DATA_TYPES.contains(&name) || own.iter().any(|known| known == name);
    if !known {
        let expected = expectation(name, DATA_TYPES.into_iter().chain(own.iter().map(String::as_str)));
        report.error(path, format!("unknown type {}{expected}", quoted(name)));
    }
    known
}

fn allowed(node: &Node, own: &[String], report: &mut Report) -> Option<Allowed> {
    let exact = |text: &str| AllowedValue::Exact(text.to_owned());
    if !matches!(node.tree, Tree::Map(_)) {
        return node.word(report).map(|text| Allowed { kind: None, value: exact(text) });
    }
    let fields = node.fields(&["type", "value", "pattern", "domain"], report);
    let kind = fields.get("type").and_then(|node| {
        let name = node.word(report)?;
        known_type(name, &node.path, own, report).then(|| name.to_owned())
    });
    let given: Vec<Node> =
        ["value", "pattern", "domain"].into_iter().filter_map(|key| fields.get(key)).collect();
    if given.len() != 1 {
        if fields.is_map() {
            report.error(&node.path, "expected one of value, pattern and domain");
        }
        return None;
    }
    let value = if let Some(node) = fields.get("pattern") {
        AllowedValue::Pattern(whole_pattern(&node, report)?)
    } else if let Some(node) = fields.get("domain") {
        if kind.as_deref().is_some_and(|kind| kind != "email") {
            report.error(&node.path, "is a part of e-mail addresses only");
        }
        let domain = node.word(report)?.trim().trim_start_matches('@').to_lowercase();
        return Some(Allowed { kind: Some("email".to_owned()), value: AllowedValue::Domain(domain) });
    } else {
        exact(fields.get("value")?.word(report)?)
    };
    Some(Allowed { kind, value })
}

fn whole_pattern(node: &Node, report: &mut Report) -> Option<Regex> {
    pattern_of(node, true, report)?;
    let whole = node.text(report).and_then(|text| compile(&format!(r"\A(?:{text})\z"), true).ok());
    if whole.is_none() {
        report.error(&node.path, "cannot be held to a whole value; leave out comments of the x flag");
    }
    whole
}

/// A regular expression that finds something and not everything.
fn pattern_of(node: &Node, sensitive: bool, report: &mut Report) -> Option<Regex> {
    let text = node.word(report)?;
    match compile(text, sensitive) {
        Ok(pattern) if pattern.is_match("") => {
            report.error(
                &node.path,
                format!("{} matches the empty text, so it would be found everywhere", quoted(text)),
            );
            None
        }
        Ok(pattern) => Some(pattern),
        Err(problem) => {
            report.error(&node.path, problem);
            None
        }
    }
}

fn compile(text: &str, sensitive: bool) -> Result<Regex, String> {
    let (problem, at) = match regex_syntax::parse(text) {
        Ok(_) => {
            // Whoever builds it anew from its source has to get the same.
            let source = format!("{}{text}", if sensitive { "" } else { "(?i)" });
            let built = RegexBuilder::new(&source).size_limit(LARGEST_PATTERN).build();
            return built.map_err(|_| {
                format!("the regex is too large: it takes more than {} KiB", LARGEST_PATTERN >> 10)
            });
        }
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(_) => return Err("invalid regex".to_owned()),
    };
    let character = text.char_indices().take_while(|(offset, _)| *offset < at).count() + 1;
    Err(format!("invalid regex at character {character}: {problem}"))
}
