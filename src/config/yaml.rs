//! YAML text as trees, built from a parser's events rather than through serde.
//!
//! The events are enough, and a fifth of the size in the module: anchors are resolved here under a bound, a key
//! written twice is an error with its path, a number keeps its text, and a tag that means nothing to a policy
//! (`!ignore`, which Envoy uses for anchors) is passed over. Scalars follow YAML 1.2's core schema, so `no` and `on`
//! are text. Merge keys (`<<`) are not part of it: Envoy does not know them either.

use std::collections::{BTreeMap, HashMap};

use granit_parser::{Event, Parser, ScalarStyle};

use super::error::{Error, under_index, under_key};
use super::source::Tree;
use super::units;

/// About how many bytes all documents of a text may take once aliases are written out.
const MOST_EXPANDED: usize = 64 << 20;
/// What a value takes beside its text.
const NODE: usize = 64;
const TOO_MUCH: &str = "too much text once its aliases are written out";
/// Deeper than any policy or Envoy configuration, shallow enough for any stack.
const DEEPEST: usize = 100;

/// All documents of a text, in order. Keys written twice go to `errors`; their first value stays.
pub(super) fn read(text: &str, errors: &mut Vec<Error>) -> Result<Vec<Tree>, Error> {
    let mut builder =
        Builder { open: Vec::new(), done: Vec::new(), anchors: HashMap::new(), expanded: 0, line: 0, errors };
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| {
            let place = error.marker();
            at(place.line(), place.col(), &format!("not YAML: {}", error.info()))
        })?;
        builder.line = span.start.line();
        builder.take(event).map_err(|problem| at(span.start.line(), span.start.col(), problem))?;
    }
    Ok(builder.done)
}

fn at(line: usize, column: usize, problem: &str) -> Error {
    Error { path: String::new(), message: format!("line {line}, column {}: {problem}", column + 1) }
}

struct Builder<'a> {
    open: Vec<Open>,
    done: Vec<Tree>,
    /// By the parser's number, with what the tree weighs.
    anchors: HashMap<usize, (Tree, usize)>,
    expanded: usize,
    line: usize,
    errors: &'a mut Vec<Error>,
}

/// A list or map whose end has not been seen.
struct Open {
    anchor: usize,
    /// What had been expanded when it began.
    since: usize,
    node: OpenNode,
}

enum OpenNode {
    List(Vec<Tree>),
    Map { map: BTreeMap<String, Tree>, key: Option<Key> },
}

/// The key whose value comes next.
struct Key {
    name: String,
    /// It stands in the map already: this value is read and left out.
    again: bool,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let as_text =
                    style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let since = self.expanded;
                self.weigh(NODE + text.len())?;
                let tree = if as_text { Tree::Text(text.into_owned()) } else { plain(&text) };
                self.finish(tree, anchor, since)
            }
            Event::Alias(anchor) => {
                let Some((tree, weight)) = self.anchors.get(&anchor) else {
                    return Err("an alias stands inside its own anchor");
                };
                let weight = *weight;
                if self.expanded.saturating_add(weight) > MOST_EXPANDED {
                    return Err(TOO_MUCH);
                }
                let tree = tree.clone();
                self.weigh(weight)?;
                self.place(tree)
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, OpenNode::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor, OpenNode::Map { map: BTreeMap::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { anchor, since, node }) => {
                    let tree = match node {
                        OpenNode::List(items) => Tree::List(items),
                        OpenNode::Map { map, .. } => Tree::Map(map),
                    };
                    self.finish(tree, anchor, since)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, node: OpenNode) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("nested too deeply");
        }
        let since = self.expanded;
        self.weigh(NODE)?;
        self.open.push(Open { anchor, since, node });
        Ok(())
    }

    fn weigh(&mut self, weight: usize) -> Result<(), &'static str> {
        self.expanded = self.expanded.saturating_add(weight);
        if self.expanded > MOST_EXPANDED { Err(TOO_MUCH) } else { Ok(()) }
    }

    fn finish(&mut self, tree: Tree, anchor: usize, since: usize) -> Result<(), &'static str> {
        if anchor != 0 {
            let weight = self.expanded.saturating_sub(since);
            // The anchor's own copy counts too.
            self.weigh(weight)?;
            self.anchors.insert(anchor, (tree.clone(), weight));
        }
        self.place(tree)
    }

    fn place(&mut self, tree: Tree) -> Result<(), &'static str> {
        let Some(open) = self.open.last_mut() else {
            self.done.push(tree);
            return Ok(());
        };
        match &mut open.node {
            OpenNode::List(items) => items.push(tree),
            OpenNode::Map { map, key } => match key.take() {
                Some(Key { again: true, .. }) => {}
                Some(Key { name, .. }) => {
                    map.insert(name, tree);
                }
                None => {
                    let name = key_text(tree).ok_or("a key must be text")?;
                    let again = map.contains_key(&name);
                    *key = Some(Key { name, again });
                    if again {
                        let message =
                            format!("written twice in one map, the second time in line {}", self.line);
                        self.errors.push(Error { path: self.path(), message });
                    }
                }
            },
        }
        Ok(())
    }

    /// Of what comes next.
    fn path(&self) -> String {
        self.open.iter().fold(String::new(), |path, open| match &open.node {
            OpenNode::List(items) => under_index(&path, items.len()),
            OpenNode::Map { key: Some(key), .. } => under_key(&path, &key.name),
            OpenNode::Map { key: None, .. } => path,
        })
    }
}

fn key_text(tree: Tree) -> Option<String> {
    match tree {
        Tree::Text(text) | Tree::Number(text) => Some(text),
        Tree::Bool(value) => Some(value.to_string()),
        Tree::Null => Some("null".to_owned()),
        Tree::List(_) | Tree::Map(_) => None,
    }
}

/// A scalar without quotes, by the core schema; numbers are the decimal ones.
fn plain(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "true" | "True" | "TRUE" => Tree::Bool(true),
        "false" | "False" | "FALSE" => Tree::Bool(false),
        _ if units::canonical_number(text).is_some() => Tree::Number(text.to_owned()),
        _ => Tree::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Tree, String> {
        let mut errors = Vec::new();
        let mut trees = read(text, &mut errors).map_err(|error| error.to_string())?;
        match errors.first() {
            Some(error) => Err(error.to_string()),
            None => Ok(trees.remove(0)),
        }
    }

    #[test]
    fn anchors_are_written_out_and_tags_passed_over() {
        let tree = one("!ignore x: {p: &p [1, a]}\nq: *p\n").expect("a tree");
        assert_eq!(tree.get("q"), tree.get("x").and_then(|x| x.get("p")));
        assert_eq!(one("a: !!str 5").expect("a tree").get("a"), Some(&Tree::Text("5".to_owned())));
    }

    #[test]
    fn a_billion_laughs_are_refused_before_they_take_memory() {
        let mut text = "a0: &a0 lolololololololol\n".to_owned();
        for level in 1..30 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        let error = one(&text).expect_err("too much");
        assert!(error.ends_with("too much text once its aliases are written out"), "{error}");
    }

    #[test]
    fn depth_and_recursion_are_bounded() {
        assert!(one(&"[".repeat(10_000)).is_err());
        assert!(
            one(&format!("{}1{}", "{a: ".repeat(101), "}".repeat(101)))
                .is_err_and(|e| e.contains("too deeply"))
        );
        assert!(one("a: &a [*a]").is_err());
        assert!(one("a: *nowhere").is_err());
    }

    #[test]
    fn a_key_written_twice_is_named_by_its_path() {
        let error = one("a:\n  - b: 1\n    c: 2\n    b: 3\n").expect_err("twice");
        assert_eq!(error, "a[0].b: written twice in one map, the second time in line 4");
    }

    #[test]
    fn a_fault_in_the_text_has_its_line_and_column() {
        assert_eq!(one("a: [1, 2").expect_err("open"), "line 1, column 4: not YAML: unclosed bracket '['");
    }

    #[test]
    fn words_of_older_yaml_are_text() {
        for word in ["no", "on", "0x10", "1_000", ".inf", "2024-01-01"] {
            assert_eq!(
                one(&format!("a: {word}")).expect("a tree").get("a"),
                Some(&Tree::Text(word.to_owned()))
            );
        }
    }
}
