//! Reads who can't reach whom: sides, a shape by its name, a site, or any relation by hand.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Barrier, Fault, InFlight, NodeId, PartitionShape};

use super::SITES_MAX;
use super::names::Names;
use super::near::quoted;
use super::reader::{Table, Value};

/// In which order the nodes of a shape are taken: as listed, or drawn.
pub(super) const ORDERS: &[(&str, bool)] = &[("listed", false), ("random", true)];

/// Reads a partition.
pub(super) fn read(table: &Table<'_>, names: &Names, in_flight: InFlight) -> Option<Fault> {
    let (shape, blocked) = (table.optional("shape"), table.optional("blocked"));
    let site = table.optional("site");
    match (shape, blocked, site) {
        (None, None, None) => {
            let sides = table.required("sides", "such as [[\"a\", \"b\"], [\"c\"]]");
            Some(Fault::Partition {
                sides: read_sides(&sides?, names)?,
                in_flight,
            })
        }
        (Some(shape), None, None) => read_shape(table, &shape, names, in_flight),
        (None, Some(blocked), None) => Some(Fault::Unreachable {
            barriers: read_barriers(&blocked, names)?,
            in_flight,
        }),
        (None, None, Some(site)) => {
            let here = site_members(&site, names)?;
            let elsewhere = names.nodes().into_iter().filter(|id| !here.contains(id));
            let elsewhere: Vec<NodeId> = elsewhere.collect();
            if elsewhere.is_empty() {
                site.wrong("is where all nodes stand", |problem| {
                    problem.expected("a site with nodes elsewhere")
                });
                return None;
            }
            Some(Fault::Partition {
                sides: vec![here, elsewhere],
                in_flight,
            })
        }
        _ => {
            table.report(
                |problem| problem.expected("one of `sides`, `shape`, `site` and `blocked`"),
                "this says twice who can't reach whom",
            );
            None
        }
    }
}

fn site_members(value: &Value<'_>, names: &Names) -> Option<Vec<NodeId>> {
    names.site(value)?;
    names.place(value)
}

/// Reads whom a fault of a whole site strikes: the replicas of `site`, or `nodes`.
pub(super) fn read_site_or_nodes(table: &Table<'_>, names: &Names) -> Option<Vec<NodeId>> {
    let Some(site) = table.optional("site") else {
        let nodes = table.required("nodes", "names of nodes; or `site`, the name of a site");
        return read_places(&nodes?, names);
    };
    if let Some(nodes) = table.optional("nodes") {
        nodes.out_of_place("`site` says whom it strikes");
    }
    let replicas = names.replicas();
    let mut there = site_members(&site, names)?;
    there.retain(|id| replicas.contains(id));
    if there.is_empty() {
        site.wrong("is a site without replicas", |problem| {
            problem.expected("a site where some replica stands")
        });
    }
    (!there.is_empty()).then_some(there)
}

/// Reads nodes and sites, each node once, in their order.
fn read_places(value: &Value<'_>, names: &Names) -> Option<Vec<NodeId>> {
    let mut seen = BTreeSet::new();
    let mut nodes = Vec::new();
    for item in value.items("nodes or sites", usize::MAX)? {
        nodes.extend(
            names
                .place(&item)?
                .into_iter()
                .filter(|id| seen.insert(*id)),
        );
    }
    if nodes.is_empty() {
        value.wrong("names no node", |problem| problem.expected("one at least"));
        return None;
    }
    Some(nodes)
}

/// The name of a shape in files, where those who are chosen are the leaders of the moment.
pub(super) fn shape_name(shape: PartitionShape) -> &'static str {
    match shape {
        PartitionShape::Chosen => "leaders",
        other => other.name(),
    }
}

fn read_shape(
    table: &Table<'_>,
    value: &Value<'_>,
    names: &Names,
    in_flight: InFlight,
) -> Option<Fault> {
    // Halves that are drawn have a name of their own, since nothing else is asked for as often.
    let mut shapes: Vec<(&'static str, (PartitionShape, bool))> = Vec::new();
    shapes.extend(
        PartitionShape::ALL
            .iter()
            .map(|(_, shape)| (shape_name(*shape), (*shape, false))),
    );
    shapes.push(("random-halves", (PartitionShape::Halves, true)));
    let chosen = value.one_of(&shapes);
    let nodes = table.optional("nodes");
    let given = nodes.as_ref().map(|nodes| read_places(nodes, names));
    let nodes = given.unwrap_or_else(|| Some(names.replicas()))?;
    let alone = table.optional("node");
    let order = table.or("order", false, |value| value.one_of(ORDERS));
    let (shape, drawn) = chosen?;
    if nodes.len() < shape.nodes_min() {
        let message = format!(
            "takes {} nodes, and here are {}",
            shape.nodes_min(),
            nodes.len()
        );
        value.wrong(&message, |problem| problem.expected("a shape for so few"));
        return None;
    }
    if let Some(alone) = alone {
        if shape != PartitionShape::IsolatedNode {
            alone.out_of_place("it goes with the shape `isolated-node`");
        }
        return Some(Fault::isolate(names.node(&alone)?, nodes, in_flight));
    }
    Some(Fault::PartitionShape {
        shape,
        nodes,
        shuffled: order || drawn,
        in_flight,
    })
}

/// Reads a relation by hand: `[{ from = ["a"], to = ["b", "c"] }]`.
fn read_barriers(value: &Value<'_>, names: &Names) -> Option<Vec<Barrier>> {
    const SHAPE: &str = "tables such as { from = [\"a\"], to = [\"b\", \"c\"] }";
    let items = value.items(SHAPE, SITES_MAX)?;
    if items.is_empty() {
        value.wrong("blocks nothing", |problem| problem.expected(SHAPE));
        return None;
    }
    let barriers: Vec<Option<Barrier>> = items.iter().map(|it| read_barrier(it, names)).collect();
    barriers.into_iter().collect()
}

fn read_barrier(value: &Value<'_>, names: &Names) -> Option<Barrier> {
    let table = value.table("a barrier")?;
    let places = |field| {
        let value = table.required(field, "an array of nodes or sites");
        value.and_then(|value| read_places(&value, names))
    };
    let (from, to) = (places("from"), places("to"));
    table.finish();
    Some(Barrier {
        from: from?,
        to: to?,
    })
}

/// Reads the sides of a partition: at least two, and no node on more than one.
fn read_sides(value: &Value<'_>, names: &Names) -> Option<Vec<Vec<NodeId>>> {
    let items = value.items("sides, each an array of nodes or sites", SITES_MAX)?;
    if items.len() < 2 {
        let count = if items.is_empty() {
            "no side"
        } else {
            "one side only"
        };
        value.wrong(&format!("has {count}"), |problem| {
            problem.expected("at least two")
        });
        return None;
    }
    let mut side_of = BTreeMap::new();
    let mut sides = Vec::new();
    for (side, item) in items.iter().enumerate() {
        let mut nodes = Vec::new();
        for member in item.items("nodes or sites", usize::MAX)? {
            for node in names.place(&member)? {
                match side_of.insert(node, side) {
                    None => nodes.push(node),
                    Some(earlier) if earlier == side => {}
                    Some(_) => member.wrong(&on_two_sides(&member), |problem| {
                        problem.expected("each node on one side at most")
                    }),
                }
            }
        }
        if nodes.is_empty() {
            item.wrong("has a side without nodes", |problem| {
                problem.expected("at least one node on each side")
            });
        }
        sides.push(nodes);
    }
    Some(sides)
}

fn on_two_sides(member: &Value<'_>) -> String {
    let name = member.name().unwrap_or_default();
    format!("has {} on two sides", quoted(name))
}
