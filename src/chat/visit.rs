//! The one visitor of all text in a document.
//!
//! Every policy that reads or edits text (redaction, classification, restoring) comes through here, so that a place
//! is found by all of them or by none. A codec says what stands at a path; the visitor knows how to walk. It fails
//! closed: what a codec does not know is [`Place::Free`], and everything in that is text, keys and numbers too.
//!
//! ```text
//! {"model": "m",                          Skip
//!  "messages": [{"content": "hello"}],    Text
//!  "metadata": {"ticket": "T-1"}}         Free: "ticket" is a Key, "T-1" is a Text
//! ```
//!
//! It does not know any API: only the names under which conversations stand, to give text its order.

use std::borrow::Cow;

use crate::wire::json::{Kind, Node};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A text, or an object or array of the protocol whose members are asked for one by one.
    Text,
    /// A string that holds JSON source: the strings, keys and numbers inside it are text.
    Json,
    /// A JSON Schema: its strings are text, its keys are names that answers will use. What it gives as values
    /// (`default`, `enum`, …) is as good as free.
    Schema,
    /// Free-form JSON: every string, object key and number in it is text.
    Free,
    /// Media, or a reference to it: not readable.
    Media,
    /// Signed or encrypted by the provider: may be read, must not be edited.
    Opaque,
    /// Identifiers and enumerations of the protocol: no edit would be understood. Whoever reads for what must not
    /// leave reads them too.
    Skip,
    /// A credential that the request carries for the provider itself: never read.
    Credential,
}

/// What of a member was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpotKind {
    Text,
    Key,
    Number,
}

/// Tools, system prompts and whatever else a provider puts before the conversation.
pub const BEFORE: u8 = 0;
/// The turns, in order.
pub const CONVERSATION: u8 = 1;
/// What the model does not read: names of users, metadata.
pub const REST: u8 = 2;

/// One place with text in it.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'d> {
    /// The string, the key or the number.
    pub node: Node<'d>,
    /// Never [`Place::Credential`].
    pub place: Place,
    pub kind: SpotKind,
    /// The key that it stands under; for an element, the array's.
    pub key: Option<Node<'d>>,
    /// [`BEFORE`], [`CONVERSATION`] or [`REST`].
    pub group: u8,
}

/// Calls `f` for all text below `root`: group by group, and within a group in the order of the document. So the
/// order of first appearance in a conversation stays the same when turns are added to it, wherever the caller
/// writes its tools and its metadata.
///
/// Recursion is bounded by the depth that the parser allows.
pub fn visit<'d>(root: Node<'d>, place: &dyn Fn(&[&str], Node<'d>) -> Place, f: &mut dyn FnMut(Spot<'d>)) {
    let mut walk = Walk { place, f, path: Vec::with_capacity(16), under: None, group: REST };
    if root.kind() != Kind::Object {
        walk.node(root, root, Within::Protocol);
        return;
    }
    for group in [BEFORE, CONVERSATION, REST] {
        walk.group = group;
        for (key, value) in root.members() {
            let name = name_of(key);
            if group_of(&name) == group {
                walk.key(key, name.clone(), root, Within::Protocol);
                walk.under = Some(key);
                walk.member(name, value, root, Within::Protocol);
            }
        }
    }
}

fn group_of(name: &str) -> u8 {
    match name {
        "tools" | "functions" | "system" | "instructions" | "systemInstruction" | "system_instruction" => {
            BEFORE
        }
        "messages" | "contents" | "input" | "prompt" | "choices" | "content" | "candidates" | "output" => {
            CONVERSATION
        }
        _ => REST,
    }
}

/// Longer paths are in no protocol.
const LONGEST_PATH: usize = 24;

/// Keys of a JSON Schema under which values stand.
const SCHEMA_VALUES: [&str; 5] = ["default", "enum", "const", "example", "examples"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Protocol,
    Schema,
    Free,
}

struct Walk<'d, 'f> {
    place: &'f dyn Fn(&[&str], Node<'d>) -> Place,
    f: &'f mut dyn FnMut(Spot<'d>),
    path: Vec<Cow<'d, str>>,
    under: Option<Node<'d>>,
    group: u8,
}

impl<'d> Walk<'d, '_> {
    fn node(&mut self, node: Node<'d>, parent: Node<'d>, within: Within) {
        match node.kind() {
            Kind::String => match within {
                Within::Free => self.found(node, Place::Free, SpotKind::Text),
                Within::Schema => self.found(node, Place::Schema, SpotKind::Text),
                Within::Protocol => match self.ask(parent) {
                    Place::Credential => {}
                    place => self.found(node, place, SpotKind::Text),
                },
            },
            Kind::Number => match within {
                Within::Protocol => match self.ask(parent) {
                    Place::Credential => {}
                    Place::Skip => self.found(node, Place::Skip, SpotKind::Number),
                    // Also where the protocol has a string, a number is one that somebody wrote.
                    _ => self.found(node, Place::Free, SpotKind::Number),
                },
                _ => self.found(node, Place::Free, SpotKind::Number),
            },
            Kind::Object | Kind::Array => {
                let within = match within {
                    Within::Protocol => match self.ask(parent) {
                        Place::Free | Place::Json => Within::Free,
                        Place::Schema => Within::Schema,
                        // Where the protocol has a string, a container is unknown: so will its members be.
                        Place::Text | Place::Media | Place::Opaque | Place::Skip | Place::Credential => {
                            Within::Protocol
                        }
                    },
                    within => within,
                };
                self.children(node, within);
            }
            _ => {}
        }
    }

    fn children(&mut self, node: Node<'d>, within: Within) {
        let under = self.under;
        for item in node.items() {
            self.under = under;
            self.member(Cow::Borrowed("*"), item, node, within);
        }
        for (key, value) in node.members() {
            let name = name_of(key);
            self.key(key, name.clone(), node, within);
            self.under = Some(key);
            let below = match within {
                Within::Schema if SCHEMA_VALUES.contains(&name.as_ref()) => Within::Free,
                within => within,
            };
            self.member(name, value, node, below);
        }
    }

    /// A name that the protocol does not know is somebody's text. One of a schema's is a name that answers will use:
    /// it is read, and has to stay.
    fn key(&mut self, key: Node<'d>, name: Cow<'d, str>, parent: Node<'d>, within: Within) {
        match within {
            Within::Free => self.found(key, Place::Free, SpotKind::Key),
            Within::Schema => self.found(key, Place::Skip, SpotKind::Key),
            Within::Protocol => {
                self.path.push(name);
                // A protocol's names are letters. What is not stands where a caller put it, whatever the place is for.
                let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
                let plain = self.path.last().is_some_and(|name| name.bytes().all(plain));
                if self.ask(parent) == Place::Free {
                    self.found(key, Place::Free, SpotKind::Key);
                } else if !plain {
                    self.found(key, Place::Skip, SpotKind::Key);
                }
                self.path.pop();
            }
        }
    }

    fn member(&mut self, name: Cow<'d, str>, value: Node<'d>, parent: Node<'d>, within: Within) {
        self.path.push(name);
        self.node(value, parent, within);
        self.path.pop();
    }

    fn ask(&self, parent: Node<'d>) -> Place {
        let mut names = [""; LONGEST_PATH];
        for (slot, name) in names.iter_mut().zip(&self.path) {
            *slot = name;
        }
        match names.get(..self.path.len()) {
            Some(path) => (self.place)(path, parent),
            None => Place::Free,
        }
    }

    fn found(&mut self, node: Node<'d>, place: Place, kind: SpotKind) {
        (self.f)(Spot { node, place, kind, key: self.under, group: self.group });
    }
}

/// A key that is spelt like an array's element is none that a codec knows.
fn name_of(key: Node<'_>) -> Cow<'_, str> {
    match key.as_str() {
        Some(name) if name != "*" => name,
        _ => Cow::Borrowed("\0"),
    }
}
