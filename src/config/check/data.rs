//! `data`: what to look for, what is done about it, and where classes of data may go.

use std::collections::BTreeMap;

use crate::config::check::detection::{detection, known_type, own_types};
use crate::config::check::headers;
use crate::config::check::providers::{NOT_SHOWN, RETENTION_LEVELS, secret};
use crate::config::error::{quoted, under_key};
use crate::config::node::{Choice, Fields, Node, Report};
use crate::config::source::Tree;
use crate::config::{Data, DataClass, MediaAction, PlaceholderStyle, Provider, Secret};

/// Shorter keys can be guessed.
const SHORTEST_KEY: usize = 16;

const PLACEHOLDERS: [Choice<PlaceholderStyle>; 3] = [
    ("numbered", Some(PlaceholderStyle::Numbered)),
    ("keyed", Some(PlaceholderStyle::Keyed)),
    ("sealed", Some(PlaceholderStyle::Sealed)),
];
const SIGNED_THINKING: [Choice<bool>; 2] = [("refuse", Some(true)), ("allow", Some(false))];
const UNINSPECTABLE: [Choice<bool>; 2] = [("block", Some(true)), ("allow", Some(false))];
const MEDIA: [Choice<MediaAction>; 3] = [
    ("allow", Some(MediaAction::Allow)),
    ("report", Some(MediaAction::Report)),
    ("block", Some(MediaAction::Block)),
];

const KEYS: [&str; 14] = [
    "find",
    "min_confidence",
    "answers",
    "allow",
    "custom",
    "dictionaries",
    "placeholder",
    "key",
    "restore",
    "hint",
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
    let classes = fields.get("classes").map(|node| classes(&node, &own, report)).unwrap_or_default();
    let keys = fields.get("key").map(|node| keys(&node, report)).unwrap_or_default();
    let placeholder = choice(&fields, "placeholder", &PLACEHOLDERS, PlaceholderStyle::Numbered, report);
    if placeholder == PlaceholderStyle::Sealed && fields.get("key").is_none() {
        report.error(
            "data.placeholder",
            "sealed needs data.key: under a key of the process nobody else could open it",
        );
    }
    let mut data = Data {
        placeholder,
        keys,
        restore: fields.get("restore").and_then(|node| node.flag(report)).unwrap_or(true),
        hint: fields.get("hint").and_then(|node| node.flag(report)).unwrap_or(false),
        signed_thinking_refuse: choice(&fields, "signed_thinking", &SIGNED_THINKING, true, report),
        classes,
        media: choice(&fields, "media", &MEDIA, MediaAction::Report, report),
        block_uninspectable: choice(&fields, "uninspectable", &UNINSPECTABLE, true, report),
        ..Data::default()
    };
    detection(&fields, &own, &mut data, report);
    Some(data)
}

fn choice<T: Copy>(fields: &Fields, key: &str, words: &[Choice<T>], default: T, report: &mut Report) -> T {
    fields.get(key).and_then(|node| node.choice(key, words, report)).unwrap_or(default)
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
