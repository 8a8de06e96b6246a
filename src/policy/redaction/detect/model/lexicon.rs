//! Known words and what they are known for.

use super::table::{Buckets, Builder, fingerprint, mix};
use super::token::hash;

/// What a word is known for: the most telling of what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    None,
    Common,
    First,
    Last,
    /// Both.
    Name,
    /// "rose", "mark"
    CommonFirst,
    /// "hill", "cooper"
    CommonLast,
    City,
    /// "Paris", "Lincoln"
    CityName,
    /// "street", "rue", 路
    Street,
    /// "apt", "floor", 室
    Unit,
    /// What stands before or behind names: "Mr", "dear", "patient", 様.
    Cue,
    /// Inside names: "van", "de".
    Particle,
    /// Countries, regions, nationalities.
    Place,
    /// Proper nouns that are no names: months, brands, legal forms.
    Other,
    /// The commonest first names.
    TopFirst,
}

impl Class {
    pub const ALL: [Self; 16] = [
        Self::None,
        Self::Common,
        Self::First,
        Self::Last,
        Self::Name,
        Self::CommonFirst,
        Self::CommonLast,
        Self::City,
        Self::CityName,
        Self::Street,
        Self::Unit,
        Self::Cue,
        Self::Particle,
        Self::Place,
        Self::Other,
        Self::TopFirst,
    ];

    pub fn is_name(self) -> bool {
        matches!(
            self,
            Self::First
                | Self::Last
                | Self::Name
                | Self::TopFirst
                | Self::CommonFirst
                | Self::CommonLast
                | Self::CityName
        )
    }

    /// A name, and no word that texts are full of.
    pub fn is_pure_name(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::Name | Self::TopFirst)
    }
}

/// A set of word hashes with a class each: twelve bits of the hash, four of class.
#[derive(Clone, Copy)]
pub struct Lexicon<'a> {
    buckets: Buckets<'a>,
}

impl<'a> Lexicon<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { buckets: Buckets::new(bytes) }
    }

    pub fn class(&self, word: u32) -> Class {
        let (bucket, print) = self.buckets.place(word);
        let mut found = 0;
        for slot in 0..4 {
            let entry = (bucket >> (16 * slot)) as u16;
            if entry >> 4 == print >> 4 {
                found = entry & 15;
            }
        }
        Class::ALL.get(usize::from(found)).copied().unwrap_or(Class::None)
    }

    /// The table of these words, and how many found no room. The first of a word counts.
    pub fn build(words: &[(String, Class)]) -> (Vec<u8>, usize) {
        let mut table = Builder::new(words.len() * 10 / 9 / 4 + 1);
        let mut lost = 0;
        for (word, class) in words {
            let mixed = mix(hash(word));
            let print = fingerprint(mixed) & 0xFFF0 | *class as u16;
            lost += usize::from(table.insert(mixed, print, 0xFFF0).is_none());
        }
        (table.bytes(), lost)
    }
}
