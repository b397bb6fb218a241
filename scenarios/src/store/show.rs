//! What a store shows of itself, as text for people and as JSON for programs.

use std::fmt::Write as _;

use seedbed_protocols::storage::lsm::{LsmShape, LsmTable};
use seedbed_protocols::storage::{
    Durability, EngineStats, LogFile, PageKind, PageShape, SegmentView, Structure, TreeShape,
};
use serde_json::{Value, json};

use super::Store;

/// The version of what is printed as JSON.
pub const SCHEMA: u64 = 1;

impl Store<'_> {
    /// What opening it found, if that is worth a word.
    pub fn told_at_opening(&self) -> Option<String> {
        match (self.recovery.torn_bytes, self.recovery.corrupt_bytes) {
            (0, 0) => None,
            (torn, 0) => Some(format!(
                "a write that was cut short was cut off: {torn} bytes"
            )),
            (_, corrupt) => Some(format!("salvaged what was whole; {corrupt} bytes are lost")),
        }
    }

    /// How it fares, in lines for people.
    pub fn stats_text(&self) -> String {
        let stats = self.engine.stats();
        let number = |value: Option<u64>| value.map_or("not known".to_owned(), |it| it.to_string());
        let ratio = |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{it:.2}"));
        let lines = [
            ("engine", self.kind.to_string()),
            ("durability", durability(stats.durability).to_owned()),
            ("keys", number(stats.keys)),
            ("live bytes", number(stats.live_bytes)),
            ("files", stats.files.to_string()),
            ("stored bytes", stats.stored_bytes.to_string()),
            ("space amplification", ratio(stats.space_amplification())),
            ("memory bytes", stats.memory_bytes.to_string()),
            ("memory bytes per key", ratio(memory_per_key(&stats))),
            ("records read at start", self.recovery.records.to_string()),
            ("bytes read at start", self.recovery.read_bytes.to_string()),
        ];
        lines.iter().fold(String::new(), |mut text, (name, value)| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name:22}{value}");
            text
        })
    }

    /// How it fares, as JSON.
    pub fn stats_json(&self) -> Value {
        let stats = self.engine.stats();
        json!({
            "schema": SCHEMA,
            "engine": self.kind.name(),
            "durability": durability(stats.durability),
            "keys": stats.keys,
            "live_bytes": stats.live_bytes,
            "files": stats.files,
            "stored_bytes": stats.stored_bytes,
            "space_amplification": stats.space_amplification(),
            "memory_bytes": stats.memory_bytes,
            "memory_bytes_per_key": memory_per_key(&stats),
            "start_records": self.recovery.records,
            "start_read_bytes": self.recovery.read_bytes,
            "start_torn_bytes": self.recovery.torn_bytes,
            "start_lost_bytes": self.recovery.corrupt_bytes,
        })
    }

    /// Its insides, in lines for people.
    pub fn inspection_text(&self) -> String {
        let inspection = self.engine.inspect();
        let mut text = format!("engine {}\n", inspection.engine);
        text += &match &inspection.structure {
            Structure::Map => String::new(),
            Structure::Log(log) => format!(
                "{}  {} bytes, {} of them durable, {} batches\n",
                log.file, log.bytes, log.durable_bytes, log.batches
            ),
            Structure::Segments {
                segments,
                kept_for_snapshots,
                ..
            } => segments_text(segments, *kept_for_snapshots),
            Structure::Lsm(shape) => lsm_text(shape),
            Structure::Tree(shape) => tree_text(shape),
        };
        text
    }

    /// Its insides, as JSON.
    pub fn inspection_json(&self) -> Value {
        let inspection = self.engine.inspect();
        let structure = match &inspection.structure {
            Structure::Map => json!({ "kind": "map" }),
            Structure::Log(log) => log_json(log),
            Structure::Segments {
                segments,
                kept_for_snapshots,
                merging,
            } => {
                let segments: Vec<Value> = segments.iter().map(segment_json).collect();
                json!({
                    "kind": "segments",
                    "segments": segments,
                    "kept_for_snapshots": kept_for_snapshots,
                    "merging": merging.map(|(segments, bytes)| json!({ "segments": segments, "bytes": bytes })),
                })
            }
            Structure::Lsm(shape) => lsm_json(shape),
            Structure::Tree(shape) => tree_json(shape),
        };
        json!({ "schema": SCHEMA, "engine": inspection.engine, "structure": structure })
    }
}

fn memory_per_key(stats: &EngineStats) -> Option<f64> {
    let keys = stats.keys.filter(|&keys| keys > 0)?;
    Some(stats.memory_bytes as f64 / keys as f64)
}

/// Durability, as the command line has it.
fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::EachWrite => "each-write",
        Durability::Group => "group",
        Durability::Never => "never",
    }
}

fn segments_text(segments: &[SegmentView], kept_for_snapshots: u64) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "{:34}{:>12}{:>12}{:>12}{:>12}",
        "segment", "bytes", "live", "dead", "tombstones"
    );
    for it in segments {
        let role = match (it.is_active, it.is_merged, it.has_hint) {
            (true, ..) => "active",
            (_, true, true) => "merged, with a hint",
            (_, true, false) => "merged",
            (_, false, true) => "frozen, with a hint",
            (_, false, false) => "frozen",
        };
        let _ = writeln!(
            text,
            "{:34}{:>12}{:>12}{:>12}{:>12}  {role}",
            it.file, it.bytes, it.live_bytes, it.dead_bytes, it.tombstone_bytes
        );
    }
    if kept_for_snapshots > 0 {
        let _ = writeln!(text, "{kept_for_snapshots} files are kept for snapshots");
    }
    text
}

fn log_json(log: &LogFile) -> Value {
    json!({
        "kind": "log",
        "file": log.file,
        "bytes": log.bytes,
        "durable_bytes": log.durable_bytes,
        "batches": log.batches,
        "snapshots": log.snapshots,
    })
}

fn segment_json(it: &SegmentView) -> Value {
    json!({
        "file": it.file,
        "first": it.first,
        "last": it.last,
        "bytes": it.bytes,
        "live_bytes": it.live_bytes,
        "dead_bytes": it.dead_bytes,
        "tombstone_bytes": it.tombstone_bytes,
        "is_active": it.is_active,
        "is_merged": it.is_merged,
        "has_hint": it.has_hint,
    })
}

fn lsm_text(shape: &LsmShape) -> String {
    let mut text = format!("compaction {}\n", shape.policy);
    // Writing to a string can't fail.
    for (index, memtable) in shape.memtables.iter().enumerate() {
        let role = if index == 0 { "active" } else { "frozen" };
        let _ = writeln!(
            text,
            "memtable {role}: {} keys, {} bytes; log {} of {} bytes",
            memtable.keys, memtable.bytes, memtable.log, memtable.log_bytes
        );
    }
    for level in &shape.levels {
        let tables = || level.runs.iter().flatten();
        let bytes: u64 = tables().map(|table| table.bytes).sum();
        let _ = writeln!(
            text,
            "level {}: {} runs, {} tables, {bytes} bytes",
            level.level,
            level.runs.len(),
            tables().count()
        );
        for table in tables() {
            let _ = writeln!(
                text,
                "  {:24}{:>12} bytes  {:>8} entries  {:>6} deletes  {:>8} filter bytes  {} to {}",
                table.file,
                table.bytes,
                table.entries,
                table.tombstones + table.range_deletes,
                table.filter_bytes,
                table.smallest,
                table.largest
            );
        }
    }
    let _ = writeln!(
        text,
        "filters were asked {} times, said no {}, misled {}; cache {} of {} bytes, {} hits, {} blocks read",
        shape.filter_asked,
        shape.filter_denied,
        shape.filter_misled,
        shape.cache_held_bytes,
        shape.cache_bytes,
        shape.cache_hits,
        shape.block_reads
    );
    text
}

fn lsm_json(shape: &LsmShape) -> Value {
    let memtables = shape.memtables.iter().map(|it| {
        json!({
            "log": it.log,
            "log_bytes": it.log_bytes,
            "keys": it.keys,
            "bytes": it.bytes,
            "range_deletes": it.range_deletes,
        })
    });
    let levels = shape.levels.iter().map(|level| {
        let run = |run: &Vec<LsmTable>| run.iter().map(table_json).collect();
        let runs: Vec<Value> = level.runs.iter().map(run).collect();
        json!({ "level": level.level, "runs": runs })
    });
    json!({
        "kind": "lsm",
        "policy": shape.policy,
        "memtables": memtables.collect::<Vec<_>>(),
        "levels": levels.collect::<Vec<_>>(),
        "sequence": shape.sequence,
        "snapshots": shape.snapshots,
        "cache": {
            "bytes_max": shape.cache_bytes,
            "bytes": shape.cache_held_bytes,
            "hits": shape.cache_hits,
            "block_reads": shape.block_reads,
        },
        "filters": {
            "asked": shape.filter_asked,
            "denied": shape.filter_denied,
            "misled": shape.filter_misled,
        },
        "merging": shape.merging,
        "is_flushing": shape.is_flushing,
    })
}

fn table_json(it: &LsmTable) -> Value {
    json!({
        "file": it.file,
        "bytes": it.bytes,
        "blocks": it.blocks,
        "entries": it.entries,
        "tombstones": it.tombstones,
        "range_deletes": it.range_deletes,
        "filter_bytes": it.filter_bytes,
        "smallest": it.smallest,
        "largest": it.largest,
    })
}

fn tree_text(shape: &TreeShape) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "{}: {} pages, {} of them free; height {}, root {}; {:.1} % filled",
        shape.file,
        shape.page_count,
        shape.free_pages,
        shape.height,
        shape.root,
        shape.fill_per_mille as f64 / 10.0
    );
    let pool = &shape.pool;
    let _ = writeln!(
        text,
        "pool: {} of {} pages, {} not yet in the file; {} hits, {} misses",
        pool.pages, pool.capacity, pool.dirty, pool.hits, pool.misses
    );
    if let Some(log) = &shape.log {
        let _ = writeln!(
            text,
            "redo log: {} files, {} bytes; redo would read {} of them",
            log.segments, log.bytes, log.redo_bytes
        );
    }
    if let Some((free, held)) = &shape.free_list {
        let _ = writeln!(
            text,
            "free list: {} pages, and {} held back",
            free.len(),
            held.len()
        );
    }
    for page in &shape.pages {
        let _ = writeln!(
            text,
            "  page {:>8}  {:9} level {}  {:>5} entries  {:>5} bytes used{}",
            page.page,
            page_kind(page.kind),
            page.level,
            page.count,
            page.used_bytes,
            if page.is_dirty {
                "  not yet in the file"
            } else {
                ""
            }
        );
    }
    text
}

/// What a page is for, in a word.
pub(super) fn page_kind(kind: PageKind) -> &'static str {
    match kind {
        PageKind::Leaf => "leaf",
        PageKind::Inner => "inner",
        PageKind::Overflow => "overflow",
        PageKind::FreeList => "free-list",
    }
}

fn tree_json(shape: &TreeShape) -> Value {
    let page = |it: &PageShape| {
        json!({
            "page": it.page,
            "kind": page_kind(it.kind),
            "level": it.level,
            "count": it.count,
            "used_bytes": it.used_bytes,
            "is_dirty": it.is_dirty,
            "children": it.children,
        })
    };
    let pool = &shape.pool;
    let log = shape.log.as_ref().map(|log| {
        json!({
            "segments": log.segments,
            "bytes": log.bytes,
            "redo_after": log.redo_after,
            "redo_bytes": log.redo_bytes,
            "full_page_images": log.full_page_images,
        })
    });
    let free = shape
        .free_list
        .as_ref()
        .map(|(free, held)| json!({ "free": free, "held": held }));
    json!({
        "kind": "tree",
        "file": shape.file,
        "root": shape.root,
        "height": shape.height,
        "page_count": shape.page_count,
        "free_pages": shape.free_pages,
        "free_list": free,
        "fill_per_mille": shape.fill_per_mille,
        "old_pages": shape.old_pages,
        "meta_number": shape.meta_number,
        "snapshots": shape.snapshots,
        "pool": {
            "capacity": pool.capacity,
            "pages": pool.pages,
            "dirty": pool.dirty,
            "hits": pool.hits,
            "misses": pool.misses,
        },
        "log": log,
        "pages_in_memory": shape.pages.iter().map(page).collect::<Vec<_>>(),
    })
}
