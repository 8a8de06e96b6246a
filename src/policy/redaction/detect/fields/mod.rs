//! Values that a name stands before, or above: keys and labels, and the columns of tables.
//!
//! ```text
//! {"full_name": "carrie ward"}     Kundin: Anna Weiss     name;dob
//!                                                         Anna Weiss;1968-03-14
//! ```
//!
//! Where the automaton meets one of the [`STEMS`], the name around it is read, and looked up without case, accents and
//! separators. What alone says little (`name`, `first`) counts where something else about a person is near. A line of
//! names is a table's header: its columns are read to their end at once.

mod keyed;
mod label;
mod table;
mod values;

use std::collections::HashMap;
use std::ops::Range;

use super::table::{Confidence, Hit, Spec, Wake};
pub(super) use label::listed;
use label::{Label, Standing};
pub(super) use values::{account, address, card, date, identity, login, password, person, phone};

/// A field of one type.
pub(super) struct Field {
    /// Small letters without accents and separators, divided by spaces; behind whatever other words: `patient last name`.
    pub names: &'static str,
    /// Alone, or behind words that say whose.
    pub plain: &'static str,
    /// Only near other fields and findings about a person.
    pub weak: &'static str,
    /// What of a value is of the type.
    pub value: fn(&Value) -> Option<Range<usize>>,
    /// Behind a key or a label, too, and not in columns only.
    pub keyed: bool,
}

/// What is given to a field.
pub(super) struct Value<'t> {
    pub text: &'t str,
    pub given: Given,
    /// The name says it all.
    pub sure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Cell,
    /// In quotes, or between tags.
    Quoted,
    /// Behind `:`, to the end of a line or clause.
    Labelled,
    /// Behind `=`.
    Assigned,
}

/// One of these is in every name of a keyed field, and in the header of every table that is looked for.
pub(super) const STEMS: &[&str] = &[
    "name",
    "naam",
    "nome",
    "nom ",
    "nom_",
    "nombre",
    "prenom",
    "prénom",
    "imię",
    "imie",
    "nazwisko",
    "cognome",
    "apellido",
    "apelido",
    "titular",
    "intestatario",
    "holder",
    "inhaber",
    "contact",
    "kontakt",
    "ansprechpartner",
    "next of kin",
    "next_of_kin",
    "nextofkin",
    "customer",
    "client",
    "kunde",
    "kundin",
    "klant",
    "klient",
    "patient",
    "pacient",
    "pazient",
    "pacjent",
    "employee",
    "applicant",
    "beneficiar",
    "recipient",
    "addressee",
    "passenger",
    "insured",
    "claimant",
    "tenant",
    "landlord",
    "mieter",
    "empfänger",
    "destinatari",
    "manager",
    "supervisor",
    "physician",
    "attorney",
    "author",
    "student",
    "surgeon",
    "nurse",
    "address",
    "adres",
    "anschrift",
    "street",
    "straße",
    "direcci",
    "domicil",
    "rekeninghouder",
    "indirizzo",
    "endere",
    "residenza",
    "mail",
    "phone",
    "dob",
    "birth",
    "ssn",
    "passport",
    "account",
    "iban",
    "card_number",
    "mrn",
    "姓名",
    "氏名",
    "名前",
    "收件人",
    "联系人",
    "担当者",
    "宛名",
    "フリガナ",
    "住所",
    "地址",
    "住址",
    "电话",
    "電話",
];

/// All fields of the table of detectors.
pub(super) struct Fields {
    known: HashMap<&'static str, Known>,
    rules: Vec<Option<&'static Field>>,
    /// By rule: whether a finding of it is about a person.
    personal: Vec<bool>,
}

#[derive(Clone, Copy)]
struct Known {
    rule: usize,
    standing: Standing,
}

/// What was read of one text.
#[derive(Default)]
pub(super) struct State {
    /// Names that begin before are read.
    named: usize,
    /// Lines that begin before are no headers, or were read as one.
    lines: usize,
    found: Vec<(usize, Hit)>,
    /// What counts if something else about a person is near.
    pending: Vec<(usize, Hit)>,
    /// Findings in columns: nothing goes over their edges.
    cells: Vec<Range<usize>>,
}

/// What fields hold, with the rules that say so.
pub(super) struct Found {
    pub hits: Vec<(usize, Hit)>,
    /// Cells of tables among them, in order.
    pub cells: Vec<Range<usize>>,
}

/// How far away that may be, in bytes.
const NEAR: usize = 160;

const PERSONAL: [&str; 10] = [
    "email",
    "phone",
    "national_id",
    "date_of_birth",
    "person",
    "address",
    "medical_id",
    "passport",
    "driver_license",
    "iban",
];

impl Fields {
    pub fn new(specs: &[&'static Spec]) -> Self {
        let mut known = HashMap::new();
        let field = |spec: &&'static Spec| match &spec.wake {
            Wake::Field(field) => Some(field),
            _ => None,
        };
        let rules: Vec<Option<&'static Field>> = specs.iter().map(field).collect();
        for (rule, field) in rules.iter().enumerate() {
            let Some(field) = field else { continue };
            for (names, standing) in
                [(field.names, Standing::Sure), (field.plain, Standing::Plain), (field.weak, Standing::Weak)]
            {
                known.extend(names.split_whitespace().map(|name| (name, Known { rule, standing })));
            }
        }
        let personal = specs.iter().map(|spec| PERSONAL.contains(&spec.kind)).collect();
        Self { known, rules, personal }
    }

    /// Reads what stands around a stem.
    pub fn read(&self, text: &str, anchor: Range<usize>, state: &mut State) {
        if anchor.start < state.named {
            return;
        }
        let Some(name) = label::around(text, &anchor) else { return };
        state.named = name.end;
        let header = anchor.start >= state.lines && label::is_cell(text, &name);
        if header && self.read_table(text, anchor.start, state) {
            return;
        }
        if let Some((given, range)) = keyed::value(text, &name)
            && let Some((field, known)) = self.field(text.get(name).unwrap_or_default())
            && field.keyed
        {
            let sure = known.standing == Standing::Sure;
            self.take(text, Cell { known, given, range, sure }, state);
        }
    }

    /// The field of that name, and how much the name says.
    fn field(&self, name: &str) -> Option<(&'static Field, Known)> {
        let label = Label::read(name)?;
        let (name, standing) = label.look_up(|name| self.known.get(name).map(|known| known.standing))?;
        let known = Known { standing, ..*self.known.get(name)? };
        Some((self.rules.get(known.rule).copied().flatten()?, known))
    }

    fn take(&self, text: &str, cell: Cell, state: &mut State) {
        let Cell { known, given, range, sure } = cell;
        let Some(Some(field)) = self.rules.get(known.rule) else { return };
        let Some(value) = text.get(range.clone()) else { return };
        let Some(part) = (field.value)(&Value { text: value, given, sure }) else { return };
        let confidence =
            if known.standing == Standing::Weak { Confidence::LIKELY } else { Confidence::SHAPED };
        let hit = Hit { range: range.start + part.start..range.start + part.end, confidence };
        if given == Given::Cell {
            state.cells.push(hit.range.clone());
        }
        match known.standing {
            Standing::Weak => state.pending.push((known.rule, hit)),
            _ => state.found.push((known.rule, hit)),
        }
    }

    /// What was found, with what turned out to be near something about a person. `starts` are other findings.
    pub fn finish(&self, mut state: State, others: impl Iterator<Item = (usize, usize)>) -> Found {
        if state.pending.is_empty() {
            return Found { hits: state.found, cells: state.cells };
        }
        let own = state.found.iter().map(|(rule, hit)| (*rule, hit.range.start));
        let mut near: Vec<usize> = others
            .chain(own)
            .filter(|(rule, _)| self.personal.get(*rule).copied().unwrap_or_default())
            .map(|(_, start)| start)
            .collect();
        near.sort_unstable();
        state.pending.retain(|(_, hit)| {
            let next = near.partition_point(|start| start + NEAR < hit.range.start);
            near.get(next).is_some_and(|start| *start < hit.range.end + NEAR)
        });
        state.found.append(&mut state.pending);
        Found { hits: state.found, cells: state.cells }
    }
}

/// A value, and the field that it was given to.
struct Cell {
    known: Known,
    given: Given,
    range: Range<usize>,
    sure: bool,
}

#[cfg(test)]
mod tests {
    use super::super::dates::plain_letter;
    use super::super::table::detectors;
    use super::*;

    #[test]
    fn every_name_of_a_keyed_field_has_a_stem_that_wakes_it() {
        let plain =
            |c: char| if c.is_alphabetic() { Some(plain_letter(c).map_or(c, char::from)) } else { None };
        let stems: Vec<String> = STEMS.iter().map(|stem| stem.chars().filter_map(plain).collect()).collect();
        let specs: Vec<&'static Spec> = detectors().collect();
        let fields = Fields::new(&specs);
        let keyed = |rule: usize| fields.rules[rule].is_some_and(|field| field.keyed);
        let asleep = fields.known.iter().filter(|(name, known)| {
            keyed(known.rule)
                && known.standing == Standing::Sure
                && !stems.iter().any(|stem| name.contains(stem.as_str()))
        });
        let asleep: Vec<_> = asleep.map(|(name, _)| *name).collect();
        assert!(fields.known.len() > 300 && asleep.is_empty(), "{asleep:?}");
    }
}
