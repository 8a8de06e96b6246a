//! Policies inside other files: an Envoy bootstrap, an Istio manifest, a Kubernetes ConfigMap, or a file of its own.
//!
//! A policy stands there as the value of a `google.protobuf.Struct` or `StringValue`, as a plugin's `configuration`
//! or `pluginConfig`, or as text inside text. It is looked for by its shape, wherever it is, after anchors are
//! written out; both roles usually share one policy, so equal ones are found once.

use super::error::{Error, under_index, under_key};
use super::source::Tree;
use super::{Config, Errors, build, yaml};

/// Text inside text inside text: a ConfigMap holds an Envoy bootstrap, which holds a policy.
const MOST_LAYERS: usize = 4;
/// Files that are something else as a whole.
const OTHER_FILES: [&str; 8] = [
    "static_resources",
    "dynamic_resources",
    "resources",
    "admin",
    "node",
    "apiVersion",
    "kind",
    "configPatches",
];

/// What a file holds.
#[derive(Debug, Default)]
pub struct Survey {
    pub policies: Vec<Found>,
    /// What is wrong with the file around the policies.
    pub errors: Vec<Error>,
}

/// One policy of a file.
#[derive(Debug)]
pub struct Found {
    /// Its path in the file; empty when it is the file.
    pub place: String,
    /// In how many places of the file it stands.
    pub times: usize,
    tree: Tree,
}

impl Found {
    /// Like [`super::load`].
    ///
    /// # Errors
    ///
    /// Every fault of the policy; paths begin at the policy, not at the file.
    pub fn load(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Errors> {
        build(Some(&self.tree), Vec::new(), env)
    }
}

/// Finds the policies of a YAML or JSON file.
pub fn find(text: &str) -> Survey {
    let mut survey = Survey::default();
    let documents = match yaml::read(text, &mut survey.errors) {
        Ok(documents) => documents,
        Err(error) => {
            survey.errors.push(error);
            return survey;
        }
    };
    let several = documents.len() > 1;
    for (index, document) in documents.iter().enumerate() {
        let path = if several { format!("document {}", index + 1) } else { String::new() };
        survey.walk(document, &path, MOST_LAYERS);
    }
    if let (true, [document]) = (survey.policies.is_empty() && survey.errors.is_empty(), documents.as_slice())
        && !OTHER_FILES.iter().any(|key| document.get(key).is_some())
    {
        survey.add(document, "");
    }
    if survey.policies.is_empty() && survey.errors.is_empty() {
        let message = "no policy found; expected a map with version and providers, \
             in a file of its own or as a plugin's configuration";
        survey.errors.push(Error { path: String::new(), message: message.to_owned() });
    }
    survey
}

impl Survey {
    fn walk(&mut self, tree: &Tree, path: &str, layers: usize) {
        match tree {
            Tree::Map(map) => {
                if tree.get("version").is_some() && tree.get("providers").is_some() {
                    return self.add(tree, path);
                }
                let kind = tree.get("@type").and_then(Tree::as_text).unwrap_or_default();
                for (key, value) in map {
                    let at = under_key(path, key);
                    let configures = matches!(key.as_str(), "configuration" | "pluginConfig")
                        || (key == "value" && kind.ends_with("google.protobuf.Struct"));
                    match value {
                        Tree::Map(_) if configures && value.get("providers").is_some() => {
                            self.add(value, &at)
                        }
                        Tree::Text(text)
                            if key == "value" && kind.ends_with("google.protobuf.StringValue") =>
                        {
                            self.walk_text(text, &at, layers, true);
                        }
                        _ => self.walk(value, &at, layers),
                    }
                }
            }
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &under_index(path, index), layers);
                }
            }
            Tree::Text(text) => self.walk_text(text, path, layers, false),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
        }
    }

    /// Text that may be a document. Where a policy is `expected`, a fault in it is one of the file.
    fn walk_text(&mut self, text: &str, path: &str, layers: usize, expected: bool) {
        if layers == 0 || !text.contains("providers") || !text.contains(['\n', '{']) {
            return;
        }
        let mut errors = Vec::new();
        match yaml::read(text, &mut errors) {
            Ok(documents) => documents.iter().for_each(|document| self.walk(document, path, layers - 1)),
            Err(error) => errors.push(error),
        }
        if expected {
            self.errors.extend(
                errors.into_iter().map(|error| Error { message: error.to_string(), path: path.to_owned() }),
            );
        }
    }

    fn add(&mut self, tree: &Tree, path: &str) {
        match self.policies.iter_mut().find(|found| found.tree == *tree) {
            Some(found) => {
                found.times += 1;
                // The shorter path is where an anchor was written, and where the policy is edited.
                if path.len() < found.place.len() {
                    found.place = path.to_owned();
                }
            }
            None => self.policies.push(Found { place: path.to_owned(), times: 1, tree: tree.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "{version: 1, providers: {openai: {dialect: openai}}}";

    fn places(text: &str) -> Vec<(String, usize)> {
        let survey = find(text);
        assert_eq!(survey.errors, []);
        survey.policies.into_iter().map(|found| (found.place, found.times)).collect()
    }

    #[test]
    fn a_file_of_its_own_is_the_policy_even_with_faults() {
        assert_eq!(places(POLICY), [(String::new(), 1)]);
        assert_eq!(places("{verson: 1}"), [(String::new(), 1)]);
    }

    #[test]
    fn a_policy_written_once_with_an_anchor_is_found_once() {
        let envoy = format!(
            "!ignore tollgate: {{policy: &policy {POLICY}}}
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - typed_config: {{config: {{configuration: {{'@type': type.googleapis.com/google.protobuf.Struct, value: *policy}}}}}}
          - typed_config: {{config: {{configuration: *policy}}}}
"
        );
        let found = places(&envoy);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0], ("tollgate.policy".to_owned(), 3));
    }

    #[test]
    fn a_policy_in_text_inside_text_is_found() {
        let manifest = "
apiVersion: v1
kind: Service
---
apiVersion: v1
kind: ConfigMap
data:
  envoy.yaml: |
    static_resources:
      configuration:
        '@type': type.googleapis.com/google.protobuf.StringValue
        value: |
          version: 1
          providers: {openai: {dialect: openai}}
";
        let place = "document 2.data[\"envoy.yaml\"].static_resources.configuration.value".to_owned();
        assert_eq!(places(manifest), [(place, 1)]);
    }

    #[test]
    fn other_filters_with_providers_are_not_policies() {
        let envoy = "static_resources: {http_filters: [{typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication, providers: {a: {issuer: b}}}}]}";
        let survey = find(envoy);
        assert!(survey.policies.is_empty());
        assert!(survey.errors[0].message.starts_with("no policy found"));
    }

    #[test]
    fn a_fault_in_the_text_of_a_policy_is_reported_with_its_place() {
        let survey = find(
            "configuration:\n  '@type': type.googleapis.com/google.protobuf.StringValue\n  value: \"version: 1\\nproviders: [\"\n",
        );
        assert!(survey.policies.is_empty());
        assert_eq!(survey.errors.len(), 1);
        assert!(
            survey.errors[0].to_string().starts_with("configuration.value: line "),
            "{}",
            survey.errors[0]
        );
    }
}
