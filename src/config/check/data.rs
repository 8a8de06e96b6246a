//! `data`: what to look for, what is done about it, and where classes of data may go.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::config::check::headers;
use crate::config::check::providers::{NOT_SHOWN, RETENTION_LEVELS, secret};
use crate::config::error::{expectation, quoted, under_key};
use crate::config::node::{Choice, Fields, Node, Report};
use crate::config::source::Tree;
use crate::config::{
    Action, Allowed, CustomPattern, DATA_TYPES, Data, DataClass, Dictionary, MediaAction, PlaceholderStyle,
    Provider, Secret,
};

/// Of one compiled pattern, in bytes: more is a pattern that would slow every request down.
const LARGEST_PATTERN: usize = 1 << 20;
/// Shorter keys can be guessed.
const SHORTEST_KEY: usize = 16;

const ACTIONS: [Choice<Action>; 4] = [
    ("redact", Some(Action::Redact)),
    ("block", Some(Action::Block)),
    ("allow", Some(Action::Allow)),
    ("report", Some(Action::Report)),
];
const PLACEHOLDERS: [Choice<PlaceholderStyle>; 3] = [
    ("numbered", Some(PlaceholderStyle::Numbered)),
    ("keyed", Some(PlaceholderStyle::Keyed)),
    ("sealed", None),
];
const SIGNED_THINKING: [Choice<bool>; 2] = [("refuse", Some(true)), ("allow", Some(false))];
const UNINSPECTABLE: [Choice<bool>; 2] = [("block", Some(true)), ("allow", Some(false))];
const MEDIA: [Choice<MediaAction>; 3] = [
    ("allow", Some(MediaAction::Allow)),
    ("report", Some(MediaAction::Report)),
    ("block", Some(MediaAction::Block)),
];

const KEYS: [&str; 11] = [
    "find",
    "allow",
    "custom",
    "dictionaries",
    "placeholder",
    "key",
    "restore",
    "signed_thinking",
    "classes",
    "media",
    "uninspectable",
];

pub(super) fn data(node: Option<Node>, report: &mut Report) -> Option<Data> {
    let empty = Tree::Map(BTreeMap::new());
    let node = node.unwrap_or(Node { tree: &empty, path: "data".to_owned() });
    let fields = node.fields(&KEYS, report);
    let own = own_types(&fields);
    let find = fields.get("find").map(|node| find(&node, &own, report)).unwrap_or_default();
    let allow = fields.get("allow").map(|node| node.list(report)).unwrap_or_default();
    let allow = allow.iter().filter_map(|node| allowed(node, report)).collect();

    let mut names = Vec::new();
    let mut custom = Vec::new();
    for node in fields.get("custom").map(|node| node.list(report)).unwrap_or_default() {
        let entry = node.fields(&["name", "pattern", "action"], report);
        let name = type_name(&entry, &mut names, report);
        let pattern = entry.require("pattern", "write a regular expression", report);
        let pattern = pattern.and_then(|node| pattern_of(&node, report));
        let action = own_action(&entry, name, &find, report);
        if let (Some(name), Some(pattern)) = (name, pattern) {
            custom.push(CustomPattern { name: name.to_owned(), pattern, action });
        }
    }
    let mut dictionaries = Vec::new();
    for node in fields.get("dictionaries").map(|node| node.list(report)).unwrap_or_default() {
        let entry = node.fields(&["name", "terms", "action"], report);
        let name = type_name(&entry, &mut names, report);
        let terms = entry.require("terms", "list the words", report);
        let terms = terms.map(|node| node.one_or_more(report)).unwrap_or_default();
        let terms =
            terms.iter().filter_map(|node| node.word(report)).map(|term| term.trim().to_owned()).collect();
        let action = own_action(&entry, name, &find, report);
        if let Some(name) = name {
            dictionaries.push(Dictionary { name: name.to_owned(), terms, action });
        }
    }
    let classes = fields.get("classes").map(|node| classes(&node, &own, report)).unwrap_or_default();
    let keys = fields.get("key").map(|node| keys(&node, report)).unwrap_or_default();
    Some(Data {
        find,
        allow,
        custom,
        dictionaries,
        placeholder: choice(&fields, "placeholder", &PLACEHOLDERS, PlaceholderStyle::Numbered, report),
        keys,
        restore: fields.get("restore").and_then(|node| node.flag(report)).unwrap_or(true),
        signed_thinking_refuse: choice(&fields, "signed_thinking", &SIGNED_THINKING, true, report),
        classes,
        media: choice(&fields, "media", &MEDIA, MediaAction::Report, report),
        block_uninspectable: choice(&fields, "uninspectable", &UNINSPECTABLE, true, report),
    })
}

fn choice<T: Copy>(fields: &Fields, key: &str, words: &[Choice<T>], default: T, report: &mut Report) -> T {
    fields.get(key).and_then(|node| node.choice(key, words, report)).unwrap_or(default)
}

/// Names that the policy gives in `custom` and `dictionaries`, sound or not.
fn own_types(fields: &Fields) -> Vec<String> {
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

fn find(node: &Node, own: &[String], report: &mut Report) -> BTreeMap<String, Action> {
    let mut all = BTreeMap::new();
    for (name, node) in node.entries(report) {
        let is_own = own.iter().any(|known| known == name);
        if !is_own && !known_type(name, &node.path, own, report) {
            continue;
        }
        let Some(action) = node.choice("action", &ACTIONS, report) else { continue };
        all.insert(name.to_owned(), action);
    }
    all
}

fn known_type(name: &str, path: &str, own: &[String], report: &mut Report) -> bool {
    let known = DATA_TYPES.contains(&name) || own.iter().any(|known| known == name);
    if !known {
        let expected = expectation(name, DATA_TYPES.into_iter().chain(own.iter().map(String::as_str)));
        report.error(path, format!("unknown type {}{expected}", quoted(name)));
    }
    known
}

fn allowed(node: &Node, report: &mut Report) -> Option<Allowed> {
    if !matches!(node.tree, Tree::Map(_)) {
        return node.word(report).map(|text| Allowed::Exact(text.to_owned()));
    }
    let fields = node.fields(&["pattern"], report);
    let node = fields.require("pattern", "write a regular expression", report)?;
    pattern_of(&node, report)?;
    let whole = node.text(report).and_then(|text| compile(&format!(r"\A(?:{text})\z")).ok());
    if whole.is_none() {
        report.error(&node.path, "cannot be held to a whole value; leave out comments of the x flag");
    }
    whole.map(Allowed::Pattern)
}

/// A regular expression that finds something and not everything.
fn pattern_of(node: &Node, report: &mut Report) -> Option<Regex> {
    let text = node.word(report)?;
    match compile(text) {
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

fn compile(text: &str) -> Result<Regex, String> {
    let (problem, at) = match regex_syntax::parse(text) {
        Ok(_) => {
            let built = RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build();
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

fn keys(node: &Node, report: &mut Report) -> Vec<Secret> {
    let mut all: Vec<Secret> = secret(node, &["previous"], report).into_iter().collect();
    let previous =
        node.tree.get("previous").map(|tree| Node { tree, path: under_key(&node.path, "previous") });
    for node in previous.map(|node| previous_keys(node, report)).unwrap_or_default() {
        all.extend(secret(&node, &[], report));
    }
    if all.iter().any(|key| key.0.len() < SHORTEST_KEY) {
        report.warn(&node.path, &format!("a key has fewer than {SHORTEST_KEY} bytes and can be guessed"));
    }
    all
}

/// A list; what else was found is not shown.
fn previous_keys<'a>(node: Node<'a>, report: &mut Report) -> Vec<Node<'a>> {
    if matches!(node.tree, Tree::List(_)) {
        return node.list(report);
    }
    report.error(&node.path, format!("expected a list like [{{env: NAME}}]; {NOT_SHOWN}"));
    Vec::new()
}

fn classes(node: &Node, own: &[String], report: &mut Report) -> Vec<DataClass> {
    let mut all: Vec<DataClass> = Vec::new();
    for node in node.list(report) {
        let fields = node.fields(&["name", "found", "header", "retention", "region"], report);
        let name = fields.require("name", "it is what records and refusals call the class", report);
        let Some((at, name)) = name.and_then(|node| Some((node.path.clone(), node.name(report)?))) else {
            continue;
        };
        if all.iter().any(|class| class.name == name) {
            report.error(&at, format!("{} is defined twice", quoted(name)));
        }
        let mut found = Vec::new();
        for node in fields.get("found").map(|node| node.one_or_more(report)).unwrap_or_default() {
            let Some(text) = node.word(report) else { continue };
            if !known_type(text, &node.path, own, report) {
                continue;
            }
            found.push(text.to_owned());
        }
        let header = fields.get("header").and_then(|node| headers::one_match(&node, report));
        if fields.get("found").is_none() && fields.get("header").is_none() {
            report
                .error(&node.path, "expected found, header or both: nothing puts a request into this class");
        }
        let retention =
            fields.get("retention").and_then(|node| node.choice("retention", &RETENTION_LEVELS, report));
        let regions = fields.get("region").map(|node| node.one_or_more(report)).unwrap_or_default();
        let regions = regions.iter().filter_map(|node| node.word(report)).map(str::to_owned).collect();
        if fields.get("retention").is_none() && fields.get("region").is_none() {
            report.error(&node.path, "expected retention, region or both: the class limits nothing");
        }
        all.push(DataClass { name: name.to_owned(), found, header, retention, regions });
    }
    all
}

/// A class that no provider may receive is legal: it blocks. More often it is a slip.
pub(super) fn warn_of_unreachable_classes(
    classes: &[DataClass],
    providers: &[Provider],
    report: &mut Report,
) {
    for (index, class) in classes.iter().enumerate() {
        let receives = |provider: &Provider| {
            // The conditions of a class are alternatives.
            let retention = class.retention.is_some_and(|level| provider.retention >= level);
            let region = provider.region.as_ref().is_some_and(|region| class.regions.contains(region));
            retention || region || (class.retention.is_none() && class.regions.is_empty())
        };
        if !providers.iter().any(receives) {
            report.warn(
                &format!("data.classes[{index}]"),
                &format!("no provider may receive {}: every such request is refused", quoted(&class.name)),
            );
        }
    }
}
