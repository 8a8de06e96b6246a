//! The lexicon: from name lists, place lists and lists of common words to one class a word.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use sha2::{Digest, Sha256};
use tollgate::policy::redaction::model::{Class, Kind, Lexicon, Tokens};

use crate::corpus::Text;

/// Words of the lexicon, at most.
const MOST: usize = 110_000;
/// Names of the US Census that are taken, of each list.
const CENSUS: usize = 16_000;
/// People in a city that is known.
const CITY: u64 = 100_000;

pub fn lexicon(lists: &Path, own: &Path, texts: &[Text], without_held: bool) -> Vec<u8> {
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    let mut city: BTreeMap<String, u32> = BTreeMap::new();
    let mut files: Vec<_> =
        std::fs::read_dir(lists).expect("the lists").map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let most = if stem.ends_with("us_census") { CENSUS } else { usize::MAX };
        for line in text.lines().take(most) {
            let mut fields = line.split('\t');
            let entry = fields.next().unwrap_or_default();
            if without_held && held(entry) {
                continue;
            }
            if stem.starts_with("first-") {
                add(&mut first, entry);
            } else if stem.starts_with("last-") {
                add(&mut last, entry);
            } else if stem.starts_with("city-") {
                let people = fields.nth(1).and_then(|people| people.parse().ok()).unwrap_or(0u64);
                if people >= CITY {
                    add(&mut city, entry);
                }
            }
        }
    }
    let top: HashSet<String> =
        first.iter().filter(|(_, lists)| **lists >= 4).map(|(name, _)| name.clone()).collect();

    // In order of what counts: the first class that a word is given stays.
    let mut words: Vec<(String, Class)> = Vec::new();
    let own_classes = [
        ("street", Class::Street),
        ("unit", Class::Unit),
        ("cue", Class::Cue),
        ("particle", Class::Particle),
        ("place", Class::Place),
        ("other", Class::Other),
    ];
    for (name, class) in own_classes {
        words.extend(read(&own.join(format!("{name}.txt"))).into_iter().map(|word| (word, class)));
    }
    words.extend(
        capital_words(texts)
            .into_iter()
            .filter(|(word, _)| !first.contains_key(word) && !last.contains_key(word)),
    );
    let mut common: HashMap<String, u32> = HashMap::new();
    for word in read(&own.join("common.txt")) {
        common.insert(plain(&word), 2);
    }
    for word in lower_case_words(texts) {
        common.entry(word).or_insert(1);
    }
    let mut ordered: Vec<_> = common.into_iter().collect();
    ordered.sort();
    for (word, _) in ordered {
        let (firsts, lasts) = (first.get(&word).copied().unwrap_or(0), last.get(&word).copied().unwrap_or(0));
        let class = match (firsts, lasts) {
            (0, 0) => Class::Common,
            (firsts, lasts) if firsts + lasts < 2 && word.chars().count() <= 3 => Class::Common,
            (firsts, lasts) if firsts >= lasts => Class::CommonFirst,
            _ => Class::CommonLast,
        };
        words.push((word, class));
    }
    let mut names: Vec<(u32, String, Class)> = Vec::new();
    for (name, firsts) in &first {
        let lasts = last.get(name).copied().unwrap_or(0);
        let class = if city.contains_key(name) {
            Class::CityName
        } else if lasts > 0 && lasts * 2 >= *firsts {
            Class::Name
        } else if top.contains(name) {
            Class::TopFirst
        } else {
            Class::First
        };
        names.push((firsts + lasts, name.clone(), class));
    }
    for (name, lasts) in last.iter().filter(|(name, _)| !first.contains_key(*name)) {
        let class = if city.contains_key(name) { Class::CityName } else { Class::Last };
        names.push((*lasts, name.clone(), class));
    }
    for (name, lists) in &city {
        names.push((lists + 1, name.clone(), Class::City));
    }
    names.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    words.extend(names.into_iter().map(|(_, name, class)| (name, class)));
    let mut known = HashSet::new();
    words.retain(|(word, _)| known.insert(plain(word)));
    let all = words.len();
    words.truncate(MOST);
    let mut counts: BTreeMap<Class, usize> = BTreeMap::new();
    words.iter().for_each(|(_, class)| *counts.entry(*class).or_default() += 1);
    let (bytes, lost) = Lexicon::build(&words);
    println!(
        "lexicon: {all} words, {} kept, {lost} without room, {} bytes; {counts:?}",
        words.len(),
        bytes.len()
    );
    bytes
}

/// Each word of an entry.
fn add(words: &mut BTreeMap<String, u32>, entry: &str) {
    for word in entry.split([' ', '-', '/']) {
        let word = plain(word.trim_matches(|c: char| !c.is_alphabetic()));
        if word.chars().count() > 1 || word.chars().any(|c| c > '\u{2E80}') {
            *words.entry(word).or_default() += 1;
        }
    }
}

/// Small letters, without the accents that the model does not see.
fn plain(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .map(|c| match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
            'ì'..='ï' | 'ī' | 'į' => 'i',
            'ñ' | 'ń' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ő' => 'o',
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
            'ł' => 'l',
            'ś' | 'š' => 's',
            'ź' | 'ż' | 'ž' => 'z',
            c => c,
        })
        .collect()
}

/// Whether the corpus keeps this entry for its test half: the lexicon must not know it then.
fn held(entry: &str) -> bool {
    let digest = Sha256::digest(entry.to_lowercase().as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % 100 < 15
}

fn read(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

/// Words that stand in capitals in several texts without names: nouns in German, products and headings elsewhere.
fn capital_words(texts: &[Text]) -> Vec<(String, Class)> {
    let mut seen: BTreeMap<String, (u32, u32, bool)> = BTreeMap::new();
    for (number, text) in
        (1..).zip(texts).filter(|(_, text)| text.template.is_empty() || text.template.starts_with("real"))
    {
        let mut reader = Tokens::new(&text.text, Lexicon::new(&[]));
        let mut tokens = Vec::new();
        reader.fill(&mut tokens, usize::MAX);
        for token in tokens.iter().filter(|token| token.kind == Kind::Capital && token.flags & 2 == 0) {
            let word = plain(&text.text[token.start as usize..token.end as usize]);
            let entry = seen.entry(word).or_insert((0, 0, text.language == "de"));
            if entry.1 != number {
                *entry = (entry.0 + 1, number, entry.2);
            }
        }
    }
    let often = seen.into_iter().filter(|(_, (count, _, german))| *count >= if *german { 2 } else { 4 });
    often.map(|(word, (_, _, german))| (word, if german { Class::Common } else { Class::Other })).collect()
}

/// Words that stand in small letters outside of values, in two templates or more.
fn lower_case_words(texts: &[Text]) -> Vec<String> {
    let mut seen: HashMap<String, (String, bool)> = HashMap::new();
    for text in texts {
        let mut reader = Tokens::new(&text.text, Lexicon::new(&[]));
        let mut tokens = Vec::new();
        reader.fill(&mut tokens, usize::MAX);
        for token in tokens.iter().filter(|token| token.kind == Kind::Lower && token.flags & 2 == 0) {
            let range = token.start as usize..token.end as usize;
            if text.spans.iter().any(|(span, _)| span.start < range.end && range.start < span.end) {
                continue;
            }
            let word = plain(&text.text[range]);
            let entry = seen.entry(word).or_insert_with(|| (text.template.clone(), false));
            entry.1 |= entry.0 != text.template;
        }
    }
    let mut words: Vec<String> =
        seen.into_iter().filter(|(_, (_, often))| *often).map(|(word, _)| word).collect();
    words.sort();
    words
}
