//! Why a text is found, and why another is not: for people, not for requests.

use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

use super::anchors::Candidate;
use super::detector::{Detector, Finding, Rule, Side};
use super::dictionary::is_bounded;
use super::table::{Confidence, Hit, detectors};
use crate::config::Action;

/// What one rule took for something, and what became of that.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub range: Range<usize>,
    pub type_name: Rc<str>,
    pub rule: Rc<str>,
    pub confidence: Confidence,
    pub fate: Fate,
    /// The word that announces such a value and stands nearest before it, if its rule knows one that does.
    pub word: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    Found(Action),
    /// The policy allows the type.
    TypeAllowed,
    /// The policy allows the value.
    ValueAllowed,
    /// Its type has to be more certain.
    Uncertain {
        least: Confidence,
    },
    /// Another rule made more of it.
    Lost {
        to: Rc<str>,
        range: Range<usize>,
    },
}

/// How far before a value its word is looked for, in bytes.
const BEFORE: usize = 64;

impl Detector {
    /// All that any rule took for something in a request's text, in order.
    pub fn explain(&self, text: &str) -> Vec<Explanation> {
        let findings = self.find(text);
        let mut all: Vec<Explanation> = Vec::new();
        let mut seen = HashSet::new();
        // A finding may be longer than what its rule saw, with what another rule saw at its side.
        for finding in &findings {
            let rule = self.rules.iter().position(|rule| Rc::ptr_eq(&rule.name, &finding.rule));
            seen.insert((rule, finding.range.clone()));
            all.push(Explanation {
                range: finding.range.clone(),
                type_name: self.type_name(finding.kind).into(),
                rule: Rc::clone(&finding.rule),
                confidence: finding.confidence,
                fate: Fate::Found(finding.action),
                word: rule.and_then(|rule| self.word(text, rule, &finding.range)),
            });
        }
        for Candidate { rule, hit } in self.candidates(text, Side::Request, 0) {
            let Some(known) = self.rules.get(rule) else { continue };
            if !seen.insert((Some(rule), hit.range.clone())) {
                continue;
            }
            let Some(fate) = fate(known, &hit, &findings) else { continue };
            let word = self.word(text, rule, &hit.range);
            all.push(Explanation {
                type_name: self.type_name(known.kind).into(),
                rule: Rc::clone(&known.name),
                confidence: hit.confidence,
                range: hit.range,
                fate,
                word,
            });
        }
        all.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
        all
    }

    fn word(&self, text: &str, rule: usize, range: &Range<usize>) -> Option<Range<usize>> {
        let words = detectors().nth(rule).filter(|_| rule < self.first_own)?.context;
        let mut from = range.start.saturating_sub(BEFORE);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let before = text.get(from..range.start)?.to_ascii_lowercase();
        let places = words.iter().filter_map(|word| {
            let at = from + before.rfind(word)?;
            let place = at..at + word.len();
            is_bounded(text, place.clone()).then_some(place)
        });
        places.max_by_key(|place| (place.end, place.len()))
    }
}

/// `None`: it is a part of its own rule's finding.
fn fate(rule: &Rule, hit: &Hit, findings: &[Finding]) -> Option<Fate> {
    if hit.confidence < rule.least {
        return Some(Fate::Uncertain { least: rule.least });
    }
    // They are in order and apart.
    let next = findings.partition_point(|finding| finding.range.end <= hit.range.start);
    if let Some(finding) = findings.get(next).filter(|finding| finding.range.start < hit.range.end) {
        let lost = Fate::Lost { to: Rc::clone(&finding.rule), range: finding.range.clone() };
        return (!Rc::ptr_eq(&finding.rule, &rule.name)).then_some(lost);
    }
    let allowed = rule.action(Side::Request) == Action::Allow;
    Some(if allowed { Fate::TypeAllowed } else { Fate::ValueAllowed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Allowed, AllowedValue, Data};

    #[test]
    fn every_candidate_has_its_fate() {
        let mut data = Data::default();
        data.find.insert("mac_address".to_owned(), Action::Allow);
        data.find.insert("person".to_owned(), Action::Allow);
        let value = AllowedValue::Exact("bo@example.com".to_owned());
        data.allow.push(Allowed { kind: None, value });
        data.min_confidence.by_type.insert("ip_address".to_owned(), 100);
        let text = "ana@example.com bo@example.com 192.168.17.4 00:1a:2b:3c:4d:5e card 4111 1111 1111 1111";
        let all = Detector::new(&data).explain(text);
        let fate = |type_name: &str, value: &str| {
            let is = |it: &&Explanation| &*it.type_name == type_name && &text[it.range.clone()] == value;
            all.iter().find(is).map(|it| it.fate.clone()).unwrap()
        };
        assert_eq!(fate("email", "ana@example.com"), Fate::Found(Action::Redact));
        assert_eq!(fate("email", "bo@example.com"), Fate::ValueAllowed);
        let least = Confidence::from_percent(100);
        assert_eq!(fate("ip_address", "192.168.17.4"), Fate::Uncertain { least });
        assert_eq!(fate("mac_address", "00:1a:2b:3c:4d:5e"), Fate::TypeAllowed);
        assert_eq!(fate("credit_card", "4111 1111 1111 1111"), Fate::Found(Action::Redact));
    }

    #[test]
    fn what_lost_names_who_won_and_what_was_announced_its_word() {
        let text = "password: ana@example.com";
        let all = Detector::new(&Data::default()).explain(text);
        assert!(all.iter().any(|it| matches!(it.fate, Fate::Found(_))));
        assert!(all.len() < 2 || all.iter().any(|it| matches!(it.fate, Fate::Lost { .. })), "{all:?}");
        let text = "call me: tel. 030 1234567";
        let all = Detector::new(&Data::default()).explain(text);
        let phone = all.iter().find(|it| &*it.type_name == "phone").unwrap();
        assert_eq!(phone.word.clone().map(|word| &text[word]), Some("tel"));
    }
}
