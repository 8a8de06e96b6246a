//! The two stages that the pieces of a stream go through: looked through as the provider wrote them, then restored.

use std::rc::Rc;

use crate::policy::redaction::{
    AnswerFindings, AnswerRules, Fragment, Hand, Landing, Released, Restorer, StreamGuard, StreamRestorer,
};
use crate::provider::Channel;

pub(super) struct Pipe<T> {
    guard: Option<StreamGuard<Waiting<T>, Channel>>,
    restorer: StreamRestorer<Checked<T>, Channel>,
}

/// An item whose texts are being looked through.
struct Waiting<T> {
    item: T,
    fragments: Vec<Fragment<Channel>>,
}

/// An item whose texts are being restored, with those that were changed before.
struct Checked<T> {
    item: T,
    texts: Vec<Option<String>>,
}

/// Told of each item between the stages, with its texts as they are then.
pub(super) type Between<'b, T> = dyn FnMut(&mut T, &[Fragment<Channel>]) + 'b;

impl<T> Pipe<T> {
    pub fn new(restorer: Restorer, rules: Option<&Rc<AnswerRules>>) -> Self {
        let guard = rules.map(|rules| StreamGuard::new(Rc::clone(rules)));
        Self { guard, restorer: StreamRestorer::new(restorer) }
    }

    /// `watched` are texts of the item that are looked through only.
    pub fn push(
        &mut self,
        mut item: T,
        fragments: Vec<(Fragment<Channel>, Hand)>,
        watched: Vec<Fragment<Channel>>,
        between: &mut Between<'_, T>,
    ) -> Vec<Released<T>> {
        let plain = fragments.iter().map(|(fragment, _)| fragment.clone()).collect::<Vec<_>>();
        let Some(guard) = &mut self.guard else {
            between(&mut item, &plain);
            self.end_others(&plain);
            return restored(self.restorer.push(Checked { item, texts: Vec::new() }, plain));
        };
        let watched = watched.into_iter().map(|fragment| (fragment, Hand::Tied));
        let all: Vec<_> = fragments.into_iter().chain(watched).collect();
        let said = all.iter().filter(|(fragment, _)| !fragment.text.is_empty());
        let said: Vec<Channel> = said.map(|(fragment, _)| fragment.channel).collect();
        // Who goes on with something else has finished what went before.
        let mut left = guard.end(|channel| {
            said.iter().any(|other| other.choice == channel.choice)
                && !said.iter().any(|other| (other.choice, other.field) == (channel.choice, channel.field))
        });
        left.extend(guard.push(Waiting { item, fragments: plain }, all));
        self.restore(left, between)
    }

    /// Nothing follows in this answer.
    pub fn end(&mut self, choice: u32, between: &mut Between<'_, T>) -> Vec<Released<T>> {
        let left = self.guard.as_mut().map(|guard| guard.end(|channel| channel.choice == choice));
        self.restore(left.unwrap_or_default(), between)
    }

    /// Nothing follows.
    pub fn flush(&mut self, between: &mut Between<'_, T>) -> Vec<Released<T>> {
        let left = self.guard.as_mut().map(StreamGuard::flush).unwrap_or_default();
        let mut left = self.restore(left, between);
        left.extend(self.drain());
        left
    }

    /// What was looked through.
    pub fn drain(&mut self) -> Vec<Released<T>> {
        restored(self.restorer.flush())
    }

    /// A text that does not continue over items.
    pub fn whole(&mut self, text: &str, landing: Landing, hand: Hand) -> Option<String> {
        self.guard.as_mut()?.whole(text, landing, hand)
    }

    pub fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// Whether what tells of values elsewhere has to go.
    pub fn hides(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.rules().hides())
    }

    pub fn is_shut(&self) -> bool {
        self.guard.as_ref().is_some_and(StreamGuard::is_shut)
    }

    pub fn take_findings(&mut self) -> AnswerFindings {
        self.guard.as_mut().map(StreamGuard::take_findings).unwrap_or_default()
    }

    /// One answer tells its texts one after the other: where the next one begins, nothing more comes of the others. So
    /// a thought or a text that ends in a placeholder is not held until the calls behind it are told.
    fn end_others(&mut self, fragments: &[Fragment<Channel>]) {
        for Fragment { channel, .. } in fragments {
            self.restorer.end(|other| other.choice == channel.choice && other != channel);
        }
    }

    fn restore(&mut self, left: Vec<Released<Waiting<T>>>, between: &mut Between<'_, T>) -> Vec<Released<T>> {
        let mut out = Vec::new();
        for Released { item: Waiting { mut item, mut fragments }, mut texts } in left {
            texts.truncate(fragments.len());
            for (fragment, text) in fragments.iter_mut().zip(&texts) {
                if let Some(text) = text {
                    fragment.text.clone_from(text);
                }
            }
            between(&mut item, &fragments);
            self.end_others(&fragments);
            out.extend(restored(self.restorer.push(Checked { item, texts }, fragments)));
        }
        out
    }
}

fn restored<T>(left: Vec<Released<Checked<T>>>) -> Vec<Released<T>> {
    let both = |Released { item: Checked { item, texts: checked }, texts }| {
        let mut checked = checked.into_iter();
        let texts = texts.into_iter().map(|text: Option<String>| {
            let checked = checked.next().flatten();
            text.or(checked)
        });
        Released { texts: texts.collect(), item }
    };
    left.into_iter().map(both).collect()
}
