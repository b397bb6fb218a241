//! Nemeses of links.

use seedbed_sim::{Barrier, Distribution, Fault, PartitionShape, Rate, Span};

use super::super::by_magnitude;
use super::{Kind, in_flight, span};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "cut",
        draws: "one way or both, and whether messages are lost or held",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let in_flight = in_flight(stream);
            Some(Fault::Cut { link, in_flight })
        },
    },
    Kind {
        name: "partition",
        draws: "two sides of any size, and whether messages are lost or held",
        draw: |ground, stream| {
            let mut nodes = ground.nodes.clone();
            if nodes.len() < 2 {
                return None;
            }
            stream.shuffle(&mut nodes);
            let size = 1 + stream.below(nodes.len() as u64 - 1) as usize;
            let mut other = nodes.split_off(size);
            nodes.sort_unstable();
            other.sort_unstable();
            let in_flight = in_flight(stream);
            let sides = vec![nodes, other];
            Some(Fault::Partition { sides, in_flight })
        },
    },
    Kind {
        name: "delay",
        draws: "from 1 to 500 ms more",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let extra = span(stream, Span::from_millis(1), Span::from_millis(500));
            Some(Fault::Delay { link, extra })
        },
    },
    Kind {
        name: "loss",
        draws: "from 1 to 50 % of what is sent",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let per_million = by_magnitude(stream, 10_000, 500_000) as u32;
            Some(Fault::Loss { link, per_million })
        },
    },
    Kind {
        name: "jitter",
        draws: "from 1 to 500 ms more at the most, drawn for each message",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let most = span(stream, Span::from_millis(1), Span::from_millis(500));
            let extra = Distribution::uniform(Span::ZERO, most).ok()?;
            Some(Fault::Jitter { link, extra })
        },
    },
    Kind {
        name: "duplicate",
        draws: "from 1 to 50 % of datagrams",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let per_million = by_magnitude(stream, 10_000, 500_000) as u32;
            Some(Fault::Duplicate { link, per_million })
        },
    },
    Kind {
        name: "reorder",
        draws: "from 1 to 50 % of messages, held back by 1 to 500 ms",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let per_million = by_magnitude(stream, 10_000, 500_000) as u32;
            let by = span(stream, Span::from_millis(1), Span::from_millis(500));
            Some(Fault::Reorder {
                link,
                per_million,
                by,
            })
        },
    },
    Kind {
        name: "corrupt",
        draws: "from 1 to 50 % of what is sent",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let per_million = by_magnitude(stream, 10_000, 500_000) as u32;
            Some(Fault::Corrupt { link, per_million })
        },
    },
    Kind {
        name: "rate-limit",
        draws: "from 1 KiB to 1 MiB a second, with a queue of 64 KiB",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let bytes_per_second = by_magnitude(stream, 1 << 10, 1 << 20);
            let queue_bytes = 64 << 10;
            let rate = Rate {
                bytes_per_second,
                queue_bytes,
            };
            Some(Fault::RateLimit { link, rate })
        },
    },
    Kind {
        name: "bursts",
        draws: "a correlation from 25 to 90 %",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let correlation_per_million = by_magnitude(stream, 250_000, 900_000) as u32;
            Some(Fault::Bursts {
                link,
                correlation_per_million,
            })
        },
    },
    Kind {
        name: "partition-shape",
        draws: "the shape, the order of the nodes, and whether messages are lost or held",
        draw: |ground, stream| {
            let nodes = ground.replicas.clone();
            let shapes = PartitionShape::ALL.iter().map(|(_, shape)| *shape);
            // Whether somebody leads among them is not known here.
            let fits = |it: &PartitionShape| {
                *it != PartitionShape::Chosen && it.nodes_min() <= nodes.len()
            };
            let shapes: Vec<_> = shapes.filter(fits).collect();
            let shape = *stream.pick(&shapes)?;
            let in_flight = in_flight(stream);
            Some(Fault::PartitionShape {
                shape,
                nodes,
                shuffled: true,
                in_flight,
            })
        },
    },
    Kind {
        name: "unreachable",
        draws: "for each node whom it does not reach, at even chances, and whether messages are lost or held",
        draw: |ground, stream| {
            let mut barriers = Vec::new();
            for &from in &ground.nodes {
                let others = ground.nodes.iter().copied().filter(|to| *to != from);
                let to: Vec<_> = others.filter(|_| stream.below(2) == 0).collect();
                if !to.is_empty() {
                    let from = vec![from];
                    barriers.push(Barrier { from, to });
                }
            }
            let in_flight = in_flight(stream);
            (!barriers.is_empty()).then_some(Fault::Unreachable {
                barriers,
                in_flight,
            })
        },
    },
];
