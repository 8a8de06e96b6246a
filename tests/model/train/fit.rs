//! Learns the weights: stochastic gradient steps on the likelihood of the right labels, per feature as large as the
//! feature is rare, with a price on every weight that keeps most of them at nought (FTRL-proximal, McMahan 2013).

use std::collections::HashMap;

use tollgate::policy::redaction::model::{
    ADDRESS, Chain, Class, LABELS, Lexicon, Model, OUTSIDE, PERSON, STEP, Token, Transitions, Weights, What,
    features, fold, hash, may_follow, neutral, segments,
};

use crate::corpus::Text;

/// Times that all runs are gone through.
const ROUNDS: usize = 7;
/// Size of a step.
const RATE: f32 = 0.12;
/// What a weight has to be worth to be other than nought.
const PRICE: f32 = 4.0;
/// What pulls weights back to nought.
const SHRINK: f32 = 0.02;
/// Of a hundred features of a token, how many are left out each time.
const DROPPED: u32 = 20;
/// Features of fewer templates are not learned: they know a template by heart, not a language.
const LEAST_SEEN: u32 = 4;
/// Rows of the table, as many as the artefact may hold.
const ROWS: usize = 75_000;
/// Of a hundred words that the lexicon knows as names, how many are shown as if it did not.
const UNKNOWN: u32 = 18;

/// Runs of tokens with their features and right labels, one after the other.
#[derive(Default)]
struct Examples {
    features: Vec<u32>,
    /// By token: where its features end.
    ends: Vec<usize>,
    labels: Vec<u8>,
    /// By run: where its tokens end.
    runs: Vec<usize>,
    /// By run: a number for the template that its text came from.
    sources: Vec<u32>,
}

pub fn fit(texts: &[Text], lexicon: &[u8]) -> Vec<u8> {
    // Templates one after the other, so that they can be counted.
    let mut ordered: Vec<&Text> = texts.iter().collect();
    ordered.sort_by(|a, b| a.template.cmp(&b.template));
    let mut examples = collect(&ordered, Lexicon::new(lexicon));
    let names = number(&mut examples);
    let (weights, counts, transitions) = learn(&examples, &names);
    pack(lexicon, &names, &weights, &counts, &transitions)
}

fn collect(texts: &[&Text], lexicon: Lexicon) -> Examples {
    let mut examples = Examples::default();
    let (mut wanted, mut seen) = (0, 0);
    for (number, text) in texts.iter().enumerate() {
        let folded = fold(&text.text);
        let source =
            if text.template.is_empty() { number as u32 | 1 << 31 } else { hash(&text.template) >> 1 };
        let mut salt = number as u32;
        let forget = |tokens: &mut [Token]| {
            for token in tokens {
                salt = salt.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let name = token.class.is_pure_name() || matches!(token.class, Class::City | Class::CityName);
                // The same word at every place of a text.
                let chance =
                    (token.hash ^ (number as u32).wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B) >> 8;
                if name && chance % 100 < UNKNOWN {
                    token.class = Class::None;
                }
                // Nor by heart: the word itself says nothing, as if it were the first of its kind.
                if token.kind.is_word()
                    && (name || token.class == Class::None)
                    && chance / 100 % 100 < UNKNOWN
                {
                    token.hash = salt | 1;
                }
                if chance / 10_000 % 100 < UNKNOWN && token.pair.is_name() {
                    token.pair = Class::None;
                }
            }
        };
        wanted += text.spans.iter().filter(|(_, what)| what.is_some()).count();
        segments(folded.text(), lexicon, forget, |tokens, segment| {
            for at in segment {
                features(tokens, folded.text().as_bytes(), at, &mut |feature| {
                    examples.features.push(feature)
                });
                examples.ends.push(examples.features.len());
                let range = folded.unfold(tokens[at].start as usize..tokens[at].end as usize);
                let label = label(text, &range);
                seen += usize::from(label == PERSON || label == ADDRESS);
                examples.labels.push(label as u8);
            }
            let tokens = examples.ends.len();
            examples.runs.push(tokens);
            examples.sources.push(source);
        });
    }
    repair(&mut examples);
    println!(
        "{} texts, {} runs, {} tokens, {} features; {seen} of {wanted} values begin where the model looks",
        texts.len(),
        examples.runs.len(),
        examples.ends.len(),
        examples.features.len()
    );
    examples
}

/// What a token should be called.
pub fn label(text: &Text, range: &std::ops::Range<usize>) -> usize {
    for (span, what) in &text.spans {
        let first = match what {
            Some(What::Person) => PERSON,
            Some(What::Address) => ADDRESS,
            None => continue,
        };
        if span.start <= range.start && range.end <= span.end {
            // White space that folding left out does not count.
            let lead = &text.text[span.start..range.start];
            return first + usize::from(!lead.trim().is_empty());
        }
    }
    OUTSIDE
}

/// A run that begins inside a value, because what came before is not looked at, begins with that value.
fn repair(examples: &mut Examples) {
    let mut start = 0;
    for end in &examples.runs {
        let mut last = OUTSIDE;
        for label in &mut examples.labels[start..*end] {
            if !may_follow(last, *label as usize) {
                *label -= 1;
            }
            last = *label as usize;
        }
        start = *end;
    }
}

/// Replaces the features that are seen often enough by numbers, drops the others; the number's feature.
fn number(examples: &mut Examples) -> Vec<u32> {
    // By feature: how many templates, and the last.
    let mut counts: HashMap<u32, (u32, u32)> = HashMap::new();
    let (mut token, mut at) = (0, 0);
    for (run, source) in examples.runs.iter().zip(&examples.sources) {
        while token < *run {
            for feature in &examples.features[at..examples.ends[token]] {
                let entry = counts.entry(*feature).or_insert((0, 0));
                if entry.1 != *source {
                    *entry = (entry.0 + 1, *source);
                }
            }
            at = examples.ends[token];
            token += 1;
        }
    }
    let mut names: Vec<u32> =
        counts.iter().filter(|(_, (count, _))| *count >= LEAST_SEEN).map(|(feature, _)| *feature).collect();
    names.sort_unstable();
    let numbers: HashMap<u32, u32> =
        names.iter().zip(0..).map(|(feature, number)| (*feature, number)).collect();
    println!("{} kinds of features, {} seen often enough", counts.len(), names.len());
    let (mut kept, mut start) = (0, 0);
    for end in &mut examples.ends {
        for at in start..*end {
            if let Some(number) = numbers.get(&examples.features[at]) {
                examples.features[kept] = *number;
                kept += 1;
            }
        }
        start = *end;
        *end = kept;
    }
    examples.features.truncate(kept);
    names
}

#[derive(Clone, Copy, Default)]
struct Row {
    weights: [f32; 4],
    sums: [f32; 4],
    squares: [f32; 4],
}

impl Row {
    fn step(&mut self, gradient: &[f32; 4], price: f32) {
        for (label, gradient) in gradient.iter().enumerate() {
            let square = self.squares[label] + gradient * gradient;
            let sigma = (square.sqrt() - self.squares[label].sqrt()) / RATE;
            self.sums[label] += gradient - sigma * self.weights[label];
            self.squares[label] = square;
            let sum = self.sums[label];
            self.weights[label] = if sum.abs() <= price {
                0.0
            } else {
                -(sum - sum.signum() * price) / ((1.0 + square.sqrt()) / RATE + SHRINK)
            };
        }
    }
}

fn learn(examples: &Examples, names: &[u32]) -> (Vec<[f32; 4]>, Vec<u32>, Transitions) {
    let mut rows = vec![Row::default(); names.len()];
    let mut counts = vec![0u32; names.len()];
    examples.features.iter().for_each(|feature| counts[*feature as usize] += 1);
    let mut transitions = neutral();
    let mut squares = [[1.0f32; LABELS]; LABELS + 1];
    let mut order: Vec<usize> = (0..examples.runs.len()).collect();
    let mut salt = 1u64;
    let mut chain = Chain::default();
    for round in 0..ROUNDS {
        // Another order each round.
        for at in (1..order.len()).rev() {
            salt = salt.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (salt >> 33) as usize % (at + 1));
        }
        let mut loss = 0.0;
        for run in &order {
            let tokens = if *run == 0 { 0 } else { examples.runs[run - 1] }..examples.runs[*run];
            loss += f64::from(learn_run(
                examples,
                tokens,
                &mut rows,
                &mut transitions,
                &mut squares,
                &mut chain,
                round as u32 * 0x3779_b97f,
            ));
        }
        let used = rows.iter().filter(|row| row.weights != [0.0; 4]).count();
        println!("round {round}: loss {:.5} a token, {used} features", loss / examples.ends.len() as f64);
    }
    (rows.iter().map(|row| row.weights).collect(), counts, transitions)
}

fn learn_run(
    examples: &Examples,
    tokens: std::ops::Range<usize>,
    rows: &mut [Row],
    transitions: &mut Transitions,
    squares: &mut Transitions,
    chain: &mut Chain,
    salt: u32,
) -> f32 {
    // Each time without other features, so that none is relied on alone.
    let keeps = |token: usize, feature: u32| {
        let mixed = (feature ^ (token as u32).wrapping_mul(0x9E37_79B1) ^ salt).wrapping_mul(0x85EB_CA6B);
        (mixed >> 15) % 100 >= DROPPED
    };
    let grow = 100.0 / (100 - DROPPED) as f32;
    let of = |token: usize| {
        let start = if token == 0 { 0 } else { examples.ends[token - 1] };
        &examples.features[start..examples.ends[token]]
    };
    chain.scores.clear();
    for token in tokens.clone() {
        let mut scores = [0.0; LABELS];
        for feature in of(token).iter().filter(|feature| keeps(token, **feature)) {
            for (score, weight) in scores[1..].iter_mut().zip(rows[*feature as usize].weights) {
                *score += weight * grow;
            }
        }
        chain.scores.push(scores);
    }
    chain.sum(transitions);
    let total = chain.total();
    let mut right = 0.0;
    let mut last = LABELS;
    let mut change = [[0.0f32; LABELS]; LABELS + 1];
    let chances: Vec<_> = chain.marginals().collect();
    for (at, token) in tokens.clone().enumerate() {
        let label = examples.labels[token] as usize;
        right += chain.scores[at][label] + transitions[last][label];
        change[last][label] -= 1.0;
        if at == 0 {
            change[LABELS].iter_mut().zip(chances[0]).for_each(|(change, chance)| *change += chance);
        } else {
            let pairs = chain.pair_marginals(at, transitions);
            change
                .iter_mut()
                .flatten()
                .zip(pairs.iter().flatten())
                .for_each(|(change, chance)| *change += chance);
        }
        last = label;
    }
    for (at, token) in tokens.enumerate() {
        let mut gradient = [0.0; 4];
        for (label, gradient) in gradient.iter_mut().enumerate() {
            let is = f32::from(u8::from(examples.labels[token] as usize == label + 1));
            *gradient = chances[at][label + 1] - is;
        }
        if gradient.iter().all(|gradient| gradient.abs() < 1e-4) {
            continue;
        }
        for feature in of(token).iter().filter(|feature| keeps(token, **feature)) {
            rows[*feature as usize].step(&gradient, PRICE);
        }
    }
    for ((weights, changes), squares) in transitions.iter_mut().zip(change).zip(squares) {
        for ((weight, change), square) in weights.iter_mut().zip(changes).zip(squares) {
            if *weight > -1e6 {
                *square += change * change;
                *weight -= 0.1 * change / square.sqrt();
            }
        }
    }
    total - right
}

fn pack(
    lexicon: &[u8],
    names: &[u32],
    weights: &[[f32; 4]],
    counts: &[u32],
    transitions: &Transitions,
) -> Vec<u8> {
    let size = |row: &[f32; 4]| row.iter().fold(0.0f32, |most, weight| most.max(weight.abs()));
    let worth = |at: usize| size(&weights[at]) * (counts[at] as f32).sqrt();
    let mut order: Vec<usize> = (0..names.len()).filter(|at| size(&weights[*at]) >= STEP).collect();
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(names[*a].cmp(&names[*b])));
    let all = order.len();
    order.truncate(ROWS);
    let buckets = ROWS.min(all) * 100 / 90 / 4 + 1;
    let rows: Vec<_> = order.iter().map(|at| (names[*at], weights[*at])).collect();
    let (table, lost) = Weights::build(&rows, buckets);
    println!("{all} features of weight, {} kept, {lost} without room", ROWS.min(all));
    Model::encode(lexicon, &table, transitions)
}
