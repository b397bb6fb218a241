//! Who and what a scenario file speaks of: nodes and sites, by name.

use std::cell::Cell;
use std::collections::BTreeMap;

use seedbed_sim::NodeId;

use super::near::{alternatives, nearest, quoted};
use super::reader::Value;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Site,
    Replica(NodeId),
    Client(NodeId),
    /// A client that belongs to a load; scripts can't use it.
    LoadClient(NodeId),
}

impl Named {
    fn node(self) -> Option<NodeId> {
        match self {
            Self::Site => None,
            Self::Replica(id) | Self::Client(id) | Self::LoadClient(id) => Some(id),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Site => "a site",
            Self::Replica(_) => "a replica",
            Self::Client(_) => "a client",
            Self::LoadClient(_) => "a client of a load",
        }
    }
}

/// All names of a file. Nodes and sites share one set of names, so that a link can name either.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_name: BTreeMap<String, Named>,
    members: BTreeMap<String, Vec<NodeId>>,
    /// Whether some name could not be read, so that one who refers to it is not to blame.
    incomplete: bool,
    /// Whether some node's site could not be read, so that no site can be called empty.
    strays: Cell<bool>,
}

impl Names {
    /// Gives a name to something. `value` is where the file does so.
    pub(super) fn declare(&mut self, name: &str, named: Named, value: &Value<'_>) {
        if let Some(earlier) = self.by_name.get(name) {
            let message = format!(
                "is {}, which is already the name of {}",
                quoted(name),
                earlier.kind()
            );
            value.wrong(&message, |problem| {
                problem.expected("a name that nothing else has")
            });
            self.incomplete = true;
            return;
        }
        self.by_name.insert(name.to_owned(), named);
    }

    /// Gives a name to something that the file does not name itself; `false` when it is taken.
    pub(super) fn declare_silently(&mut self, name: &str, named: Named) -> bool {
        let free = !self.by_name.contains_key(name);
        if free {
            self.by_name.insert(name.to_owned(), named);
        }
        free
    }

    /// Notes that a node has no name because the file's is wrong.
    pub(super) fn lost_one(&mut self) {
        self.incomplete = true;
    }

    /// Puts a node into its site.
    pub(super) fn settle(&mut self, id: NodeId, site: &str) {
        if !site.is_empty() {
            self.members.entry(site.to_owned()).or_default().push(id);
        }
    }

    /// All nodes, in their order.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.by_name.values().filter_map(|it| it.node()).collect();
        nodes.sort_unstable();
        nodes
    }

    /// All replicas, in their order.
    pub(super) fn replicas(&self) -> Vec<NodeId> {
        let replica = |named: &Named| match named {
            Named::Replica(id) => Some(*id),
            _ => None,
        };
        let mut replicas: Vec<NodeId> = self.by_name.values().filter_map(replica).collect();
        replicas.sort_unstable();
        replicas
    }

    /// The nodes of a site; none where it is empty or there is no such site.
    pub(super) fn members(&self, site: &str) -> &[NodeId] {
        self.members.get(site).map_or(&[], Vec::as_slice)
    }

    /// Reads the name of a node.
    pub(super) fn node(&self, value: &Value<'_>) -> Option<NodeId> {
        self.find(value, "node", Named::node)
    }

    /// Reads the name of a replica.
    pub(super) fn replica(&self, value: &Value<'_>) -> Option<NodeId> {
        self.find(value, "replica", |named| match named {
            Named::Replica(id) => Some(id),
            _ => None,
        })
    }

    /// Reads the name of a scripted client.
    pub(super) fn client(&self, value: &Value<'_>) -> Option<NodeId> {
        self.find(value, "scripted client", |named| match named {
            Named::Client(id) => Some(id),
            _ => None,
        })
    }

    /// Reads the name of a site.
    pub(super) fn site(&self, value: &Value<'_>) -> Option<String> {
        let site = |named| (named == Named::Site).then_some(());
        let known = self.find(value, "site", site).is_some();
        self.strays.set(self.strays.get() || !known);
        if known {
            value.name().map(str::to_owned)
        } else {
            None
        }
    }

    /// Reads the name of a node or a site; gives the nodes there.
    pub(super) fn place(&self, value: &Value<'_>) -> Option<Vec<NodeId>> {
        let named = self.find(value, "node or site", Some)?;
        if let Some(id) = named.node() {
            return Some(vec![id]);
        }
        let site = value.name()?;
        let members = self.members.get(site);
        if members.is_none() && !self.incomplete && !self.strays.get() {
            value.wrong(
                &format!("is {}, a site without nodes", quoted(site)),
                |problem| problem.expected("a site where some node stands, or a node"),
            );
        }
        members.cloned()
    }

    fn find<T>(
        &self,
        value: &Value<'_>,
        kind: &str,
        pick: impl Fn(Named) -> Option<T>,
    ) -> Option<T> {
        let name = value.name()?;
        let named = self.by_name.get(name).copied();
        let picked = named.and_then(&pick);
        if picked.is_some() || (named.is_none() && self.incomplete) {
            return picked;
        }
        let fitting = || {
            let fits = |(_, named): &(&String, &Named)| pick(**named).is_some();
            self.by_name
                .iter()
                .filter(fits)
                .map(|(name, _)| name.as_str())
        };
        let message = match named {
            Some(other) => format!("is {}, which is {}", quoted(name), other.kind()),
            None => format!("is {}, and there is no such {kind}", quoted(name)),
        };
        value.wrong(&message, |problem| {
            if fitting().next().is_none() {
                return problem.expected(format!("a {kind}, and the file declares none"));
            }
            problem
                .expected(format!("a {kind}: {}", alternatives(fitting())))
                .did_you_mean(nearest(name, fitting()))
        });
        None
    }
}
