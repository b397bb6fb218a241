//! What a store is made of, as a picture: one row for each level, segment or file, boxes to scale.

use seedbed_protocols::storage::lsm::{LsmShape, LsmTable};
use seedbed_protocols::storage::{LogFile, PageKind, PageShape, SegmentView, Structure, TreeShape};

use super::Store;
use super::show::page_kind;
use crate::draw::Theme;
use crate::draw::boxes::{Boxes, Kind, Part, Row};

impl Store<'_> {
    /// Its insides as an SVG document.
    pub fn inspection_svg(&self, theme: Theme) -> String {
        let inspection = self.engine.inspect();
        let stats = inspection.stats;
        let (legend, rows) = match &inspection.structure {
            Structure::Map => (Vec::new(), Vec::new()),
            Structure::Log(log) => (log_legend(), vec![log_row(log)]),
            Structure::Segments { segments, .. } => {
                (segment_legend(), segments.iter().map(segment_row).collect())
            }
            Structure::Lsm(shape) => (lsm_legend(), lsm_rows(shape)),
            Structure::Tree(shape) => (tree_legend(), tree_rows(shape)),
        };
        let keys = stats.keys.map(|keys| format!("{keys} keys, "));
        let unit = match inspection.structure {
            Structure::Tree(_) => "pages",
            _ => "bytes",
        };
        let boxes = Boxes {
            title: format!("A store of the engine {}", inspection.engine),
            words: format!(
                "{}{} in {} files; widths are {unit}",
                keys.unwrap_or_default(),
                bytes(stats.stored_bytes),
                stats.files
            ),
            legend,
            rows,
        };
        boxes.svg(theme)
    }
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    let scaled = |shift: u32| count as f64 / (1_u64 << shift) as f64;
    match count {
        0..1024 => format!("{count} bytes"),
        1024..0x10_0000 => format!("{:.1} KiB", scaled(10)),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", scaled(20)),
        _ => format!("{:.1} GiB", scaled(30)),
    }
}

fn part(kind: Kind, size: u64, words: String) -> Part {
    Part { kind, size, words }
}

fn log_legend() -> Vec<(Kind, &'static str)> {
    vec![(Kind::Live, "durable"), (Kind::Mark, "not yet durable")]
}

fn log_row(log: &LogFile) -> Row {
    let open = log.bytes.saturating_sub(log.durable_bytes);
    Row {
        name: log.file.clone(),
        note: format!("{}, {} batches", bytes(log.bytes), log.batches),
        parts: [
            (Kind::Live, log.durable_bytes, "durable"),
            (Kind::Mark, open, "not yet durable"),
        ]
        .into_iter()
        .filter(|(_, size, _)| *size > 0)
        .map(|(kind, size, what)| part(kind, size, format!("{} {what}", bytes(size))))
        .collect(),
    }
}

fn segment_legend() -> Vec<(Kind, &'static str)> {
    vec![
        (Kind::Live, "live"),
        (Kind::Dead, "dead: replaced or deleted"),
        (Kind::Mark, "tombstones"),
    ]
}

fn segment_row(it: &SegmentView) -> Row {
    let role = match (it.is_active, it.is_merged) {
        (true, _) => "active",
        (false, true) => "merged",
        (false, false) => "frozen",
    };
    let hint = if it.has_hint { ", with a hint" } else { "" };
    let parts = [
        (Kind::Live, it.live_bytes, "live"),
        (Kind::Dead, it.dead_bytes, "dead"),
        (Kind::Mark, it.tombstone_bytes, "of tombstones"),
    ];
    Row {
        name: it.file.clone(),
        note: format!("{role}{hint}, {}", bytes(it.bytes)),
        parts: parts
            .into_iter()
            .filter(|(_, size, _)| *size > 0)
            .map(|(kind, size, what)| part(kind, size, format!("{} {what}", bytes(size))))
            .collect(),
    }
}

fn lsm_legend() -> Vec<(Kind, &'static str)> {
    vec![
        (Kind::Mark, "memtable, or a table that is being merged"),
        (Kind::Live, "sorted table"),
    ]
}

/// The memtables, and each run of each level, so that one sees how many a read must look into.
fn lsm_rows(shape: &LsmShape) -> Vec<Row> {
    let memtables = shape.memtables.iter().enumerate().map(|(index, it)| Row {
        name: match index {
            0 => "memtable".to_owned(),
            _ => "frozen memtable".to_owned(),
        },
        note: format!(
            "{}, {} keys; its log has {}",
            bytes(it.bytes),
            it.keys,
            bytes(it.log_bytes)
        ),
        parts: vec![part(Kind::Mark, it.bytes, it.log.clone())],
    });
    let runs = shape.levels.iter().flat_map(|level| {
        let row = |(index, run): (usize, &Vec<LsmTable>)| Row {
            name: match level.runs.len() {
                1 => format!("level {}", level.level),
                _ => format!("level {}, run {}", level.level, index + 1),
            },
            note: format!(
                "{} in {} tables, {} entries",
                bytes(run.iter().map(|it| it.bytes).sum()),
                run.len(),
                run.iter().map(|it| it.entries).sum::<u64>()
            ),
            parts: run.iter().map(|it| table_part(shape, it)).collect(),
        };
        let rows: Vec<Row> = level.runs.iter().enumerate().map(row).collect();
        rows
    });
    memtables.chain(runs).collect()
}

fn table_part(shape: &LsmShape, it: &LsmTable) -> Part {
    let kind = match shape.merging.contains(&it.id) {
        true => Kind::Mark,
        false => Kind::Live,
    };
    let words = format!(
        "{}: {}, {} entries, {} deletes, {} of filter, keys {} to {}",
        it.file,
        bytes(it.bytes),
        it.entries,
        it.tombstones + it.range_deletes,
        bytes(it.filter_bytes),
        it.smallest,
        it.largest
    );
    part(kind, it.bytes, words)
}

fn tree_legend() -> Vec<(Kind, &'static str)> {
    vec![
        (Kind::Live, "page in memory"),
        (Kind::Mark, "not yet in the file like this"),
        (Kind::Dead, "free"),
    ]
}

/// The pages in memory by level, the root's first, and what of the file is free.
fn tree_rows(shape: &TreeShape) -> Vec<Row> {
    let of_tree = |it: &&PageShape| matches!(it.kind, PageKind::Leaf | PageKind::Inner);
    let levels = (0..shape.height).rev().map(|level| {
        let pages = shape.pages.iter().filter(of_tree);
        let pages: Vec<&PageShape> = pages.filter(|it| it.level == level).collect();
        let name = match level {
            0 => "leaves".to_owned(),
            _ => format!("level {level}"),
        };
        page_row(name, &pages)
    });
    let others: Vec<&PageShape> = shape.pages.iter().filter(|it| !of_tree(it)).collect();
    let mut rows: Vec<Row> = levels.collect();
    if !others.is_empty() {
        rows.push(page_row("other pages".to_owned(), &others));
    }
    let (free, total) = (u64::from(shape.free_pages), u64::from(shape.page_count));
    let parts = [
        (Kind::Live, total.saturating_sub(free), "in use"),
        (Kind::Dead, free, "free"),
    ];
    rows.push(Row {
        name: shape.file.clone(),
        note: format!("{total} pages, {free} of them free"),
        parts: parts
            .into_iter()
            .filter(|(_, count, _)| *count > 0)
            .map(|(kind, count, what)| part(kind, count, format!("{count} pages {what}")))
            .collect(),
    });
    rows
}

fn page_row(name: String, pages: &[&PageShape]) -> Row {
    let words = |it: &PageShape| {
        format!(
            "page {}: {}, {} entries, {} bytes used",
            it.page,
            page_kind(it.kind),
            it.count,
            it.used_bytes
        )
    };
    Row {
        name,
        note: format!("{} pages in memory", pages.len()),
        parts: pages
            .iter()
            .map(|it| {
                let kind = if it.is_dirty { Kind::Mark } else { Kind::Live };
                part(kind, 1, words(it))
            })
            .collect(),
    }
}
