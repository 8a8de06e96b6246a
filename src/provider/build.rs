//! JSON written member by member, where types of their own would say no more.

use crate::wire::json::quote;

/// One object, from its first member to its last. Never inlined: it is called from everywhere, and size counts.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self(String::from("{"))
    }

    /// Members that are JSON already, without the braces around them.
    #[inline(never)]
    pub(super) fn members(mut self, members: &str) -> Self {
        if self.0.len() > 1 && !members.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(members);
        self
    }

    /// `json` is JSON text.
    #[inline(never)]
    pub(super) fn raw(mut self, key: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }

    /// The members of another one.
    #[inline(never)]
    pub(super) fn and(self, other: &Self) -> Self {
        self.members(other.0.get(1..).unwrap_or_default())
    }

    #[inline(never)]
    pub(super) fn text(self, key: &str, text: &str) -> Self {
        self.raw(key, &quote(text))
    }

    #[inline(never)]
    pub(super) fn number(self, key: &str, number: u64) -> Self {
        self.raw(key, &number.to_string())
    }

    /// Nothing, where there is nothing.
    #[inline(never)]
    pub(super) fn maybe(self, key: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.raw(key, json),
            None => self,
        }
    }

    #[inline(never)]
    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// An array of what is JSON already.
#[inline(never)]
pub(super) fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
