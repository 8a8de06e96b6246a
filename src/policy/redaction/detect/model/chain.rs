//! Labels for a run of tokens: a linear chain, in which each token's features and each pair of labels have a weight.

use super::table::{Builder, fingerprint, index};

/// Outside; first and later tokens of a person's name; first and later tokens of an address.
pub const LABELS: usize = 5;
pub const OUTSIDE: usize = 0;
pub const PERSON: usize = 1;
pub const ADDRESS: usize = 3;

pub type Scores = [f32; LABELS];

/// From label, to label; the last row is from the run's start.
pub type Transitions = [[f32; LABELS]; LABELS + 1];

/// Whether the second label may follow the first: a later token follows its own kind.
pub fn may_follow(from: usize, to: usize) -> bool {
    match to {
        2 => from == 1 || from == 2,
        4 => from == 3 || from == 4,
        _ => true,
    }
}

const IMPOSSIBLE: f32 = -1e9;

/// What features are worth: buckets of four fingerprints, and behind them four rows of a byte for each label other than
/// outside. The bytes are counted from 128.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    bytes: &'a [u8],
    buckets: u32,
}

/// What one step of a byte is worth.
pub const STEP: f32 = 1.0 / 20.0;

/// A row that weighs nothing.
const NOTHING: u32 = 0x8080_8080;

/// Sums of rows, for the first, third, second and last label in sixteen bits each.
#[derive(Default, Clone, Copy)]
pub struct Sums {
    lanes: u64,
    rows: u32,
}

impl<'a> Weights<'a> {
    const BUCKET: usize = 24;

    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buckets: (bytes.len() / Self::BUCKET) as u32 }
    }

    /// Adds the feature's row. Whether there is one cannot be foretold, so nothing here branches on it.
    #[inline]
    pub fn add(&self, feature: u32, sums: &mut Sums) {
        const ONES: u64 = 0x0001_0001_0001_0001;
        let at = index(feature, self.buckets) * Self::BUCKET;
        let Some((prints, rows)) = self.bytes.get(at..).and_then(<[u8]>::split_first_chunk::<8>) else {
            return;
        };
        let differs = u64::from_le_bytes(*prints) ^ (u64::from(fingerprint(feature)) * ONES);
        let zero = differs.wrapping_sub(ONES) & !differs & (ONES << 15);
        let slot = (zero.trailing_zeros() / 16) as usize & 3;
        let row = rows
            .get(slot * 4..slot * 4 + 4)
            .and_then(|row| row.try_into().ok())
            .map_or(NOTHING, u32::from_le_bytes);
        let row = if zero == 0 { NOTHING } else { row };
        sums.lanes += u64::from(row & 0x00FF_00FF) | u64::from(row >> 8 & 0x00FF_00FF) << 32;
        sums.rows += 1;
    }

    /// The table of these features, of which those that come first are kept where there is no room for all; and how
    /// many found none.
    pub fn build(features: &[(u32, [f32; 4])], buckets: usize) -> (Vec<u8>, usize) {
        let mut table = Builder::new(buckets);
        let mut rows = vec![[[0x80u8; 4]; 4]; buckets];
        let mut lost = 0;
        for (feature, weights) in features {
            let slot = table.insert(*feature, fingerprint(*feature), 0xFFFF);
            match slot.and_then(|slot| rows.get_mut(slot / 4)?.get_mut(slot % 4)) {
                Some(row) => {
                    *row = weights.map(|weight| ((weight / STEP).round() + 128.0).clamp(1.0, 255.0) as u8)
                }
                None => lost += 1,
            }
        }
        let prints = table.bytes();
        let bytes = prints.chunks(8).zip(&rows).flat_map(|(prints, rows)| {
            prints.iter().chain(rows.iter().flatten()).copied().collect::<Vec<u8>>()
        });
        (bytes.collect(), lost)
    }
}

impl Sums {
    /// By label other than outside.
    fn weights(self) -> [f32; 4] {
        [0, 32, 16, 48].map(|lane| ((self.lanes >> lane & 0xFFFF) as f32 - (self.rows * 128) as f32) * STEP)
    }
}

/// Working memory, kept from run to run.
#[derive(Default)]
pub struct Chain {
    /// By token: what its features say.
    pub scores: Vec<Scores>,
    pub labels: Vec<usize>,
    from: Vec<[u8; LABELS]>,
    forward: Vec<Scores>,
    backward: Vec<Scores>,
    chances: Vec<Scores>,
    scales: Vec<f32>,
}

impl Chain {
    pub fn clear(&mut self) {
        self.scores.clear();
    }

    pub fn push(&mut self, sums: Sums) {
        let [b_person, i_person, b_address, i_address] = sums.weights();
        self.scores.push([0.0, b_person, i_person, b_address, i_address]);
    }

    /// The best labels, into `labels`; whether any is not outside.
    pub fn decode(&mut self, transitions: &Transitions) -> bool {
        let (between, start) = split(transitions);
        self.from.clear();
        let mut best = [0.0; LABELS];
        for (index, scores) in self.scores.iter().enumerate() {
            let mut next = [IMPOSSIBLE; LABELS];
            let mut came = [0u8; LABELS];
            if index == 0 {
                for ((next, start), score) in next.iter_mut().zip(start).zip(scores) {
                    *next = start + score;
                }
            } else {
                for ((from, best), row) in (0u8..).zip(best).zip(between) {
                    for ((next, came), weight) in next.iter_mut().zip(&mut came).zip(row) {
                        let score = best + weight;
                        if score > *next {
                            (*next, *came) = (score, from);
                        }
                    }
                }
                for (next, score) in next.iter_mut().zip(scores) {
                    *next += score;
                }
            }
            self.from.push(came);
            best = next;
        }
        let mut label = (0..LABELS)
            .max_by(|a, b| best.get(*a).partial_cmp(&best.get(*b)).unwrap_or(std::cmp::Ordering::Equal))
            .unwrap_or(OUTSIDE);
        self.labels.clear();
        let mut any = false;
        for came in self.from.iter().rev() {
            self.labels.push(label);
            any |= label != OUTSIDE;
            label = came.get(label).copied().map_or(OUTSIDE, usize::from);
        }
        self.labels.reverse();
        any
    }

    /// Sums over all labellings; afterwards [`Chain::marginals`] is known.
    ///
    /// In proportions rather than logarithms: each token's row is scaled to a sum of one, so one exponential for each
    /// score is enough.
    pub fn sum(&mut self, transitions: &Transitions) {
        let weights = transitions.map(|row| row.map(f32::exp));
        let (between, start) = split(&weights);
        self.forward.clear();
        self.backward.clear();
        self.chances.clear();
        self.scales.clear();
        let mut last: Option<Scores> = None;
        for scores in &self.scores {
            let most = scores.iter().copied().fold(0.0, f32::max);
            let chances = scores.map(|score| (score - most).exp());
            let mut next = [0.0f32; LABELS];
            match &last {
                None => next = start,
                Some(last) => {
                    for (last, row) in last.iter().zip(between) {
                        next.iter_mut().zip(row).for_each(|(next, weight)| *next += last * weight);
                    }
                }
            }
            next.iter_mut().zip(chances).for_each(|(next, chance)| *next *= chance);
            let scale = 1.0 / next.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            next.iter_mut().for_each(|next| *next *= scale);
            self.forward.push(next);
            self.chances.push(chances);
            self.scales.push(scale);
            last = Some(next);
        }
        let mut after = [1.0; LABELS];
        self.backward.push(after);
        for (chances, scale) in self.chances.iter().zip(&self.scales).skip(1).rev() {
            let mut before = [0.0; LABELS];
            after.iter_mut().zip(chances).for_each(|(after, chance)| *after *= chance * scale);
            for (before, row) in before.iter_mut().zip(between) {
                *before = row.iter().zip(&after).map(|(weight, after)| weight * after).sum();
            }
            self.backward.push(before);
            after = before;
        }
        self.backward.reverse();
    }

    /// The logarithm of that sum.
    pub fn total(&self) -> f32 {
        let most = self.scores.iter().map(|scores| scores.iter().copied().fold(0.0, f32::max));
        most.zip(&self.scales).map(|(most, scale)| most - scale.ln()).sum()
    }

    /// How likely each label is at each token, after [`Chain::sum`].
    pub fn marginals(&self) -> impl Iterator<Item = Scores> {
        self.forward.iter().zip(&self.backward).map(|(forward, backward)| {
            let mut chances = [0.0; LABELS];
            for ((chance, forward), backward) in chances.iter_mut().zip(forward).zip(backward) {
                *chance = forward * backward;
            }
            chances
        })
    }

    /// How likely each pair of labels is at the token and the one before it.
    pub fn pair_marginals(&self, at: usize, transitions: &Transitions) -> [[f32; LABELS]; LABELS] {
        let mut pairs = [[0.0; LABELS]; LABELS];
        let last = at.checked_sub(1).and_then(|at| self.forward.get(at));
        if let (Some(last), Some(chances), Some(scale), Some(after)) =
            (last, self.chances.get(at), self.scales.get(at), self.backward.get(at))
        {
            for ((pairs, row), last) in pairs.iter_mut().zip(transitions).zip(last) {
                for (((pair, weight), chance), after) in pairs.iter_mut().zip(row).zip(chances).zip(after) {
                    *pair = last * weight.exp() * chance * scale * after;
                }
            }
        }
        pairs
    }
}

fn split(transitions: &Transitions) -> (&[Scores], Scores) {
    match transitions {
        [between @ .., start] => (between, *start),
    }
}

/// Weights of pairs of labels that start neutral, and forbid what may not be.
pub fn neutral() -> Transitions {
    let mut transitions = [[0.0; LABELS]; LABELS + 1];
    for (from, row) in transitions.iter_mut().enumerate() {
        for (to, weight) in row.iter_mut().enumerate() {
            let from = if from == LABELS { OUTSIDE } else { from };
            if !may_follow(from, to) {
                *weight = IMPOSSIBLE;
            }
        }
    }
    transitions
}
