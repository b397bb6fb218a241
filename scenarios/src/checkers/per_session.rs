//! A value for each session and key, in pages that forks share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::pages::Pages;
use crate::history::{KeyId, SessionId};

/// A value for each session and key.
#[derive(Clone, Debug)]
pub(super) struct PerSession<T> {
    sessions: Pages<Arc<BTreeMap<KeyId, T>>>,
}

impl<T> Default for PerSession<T> {
    fn default() -> Self {
        Self {
            sessions: Pages::default(),
        }
    }
}

impl<T: Clone + Default> PerSession<T> {
    pub(super) fn get(&self, session: SessionId, key: KeyId) -> Option<&T> {
        self.sessions.get(session.0 as usize)?.get(&key)
    }

    pub(super) fn entry(&mut self, session: SessionId, key: KeyId) -> &mut T {
        let index = session.0 as usize;
        self.sessions.grow_to(index + 1, &Arc::new(BTreeMap::new()));
        let keys = self.sessions.get_mut(index).expect("just grown to it");
        Arc::make_mut(keys).entry(key).or_default()
    }
}
