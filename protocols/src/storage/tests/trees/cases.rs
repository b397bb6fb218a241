//! Nasty cases by name.

use seedbed_sim::{OpenMode, Seed};

use super::*;
use crate::storage::btree::BTreeEngine;
use crate::storage::cow::CowEngine;
use crate::storage::frame::FILE_HEADER_BYTES;
use crate::storage::pages::{CELL_BYTES_MAX, KEY_INLINE_BYTES, PAGE_BYTES};
use crate::storage::tests::poke::Poke;

/// A tree on a disk of its own, with room for everything in memory.
struct Tree {
    kind: EngineKind,
    options: EngineOptions,
    disk: SimDisk,
    engine: Box<dyn Engine>,
    model: Model,
}

impl Tree {
    fn new(kind: EngineKind, options: EngineOptions) -> Self {
        let mut disk = instant_disk();
        let engine = open(kind, &mut disk, &options).unwrap();
        Self {
            kind,
            options,
            disk,
            engine,
            model: Model::new(),
        }
    }

    fn both() -> [Self; 2] {
        TREES.map(|kind| Self::new(kind, options(500, 1 << 20)))
    }

    fn write(&mut self, batch: &[Change]) {
        self.engine.write(&mut self.disk, batch).unwrap();
        apply(&mut self.model, batch);
    }

    fn put(&mut self, key: Bytes, value: Bytes) {
        self.write(&[Change::Put(key, value)]);
    }

    fn delete(&mut self, key: Bytes) {
        self.write(&[Change::Delete(key)]);
    }

    /// Verifies, and compares all that there is, both ways; then again after a reopen.
    fn check(&mut self) {
        for _ in 0..2 {
            self.engine.verify(&mut self.disk).unwrap();
            let found = content(&mut *self.engine, &mut self.disk, None).unwrap();
            assert_eq!(found, self.model);
            let mut back = Vec::new();
            let all = Bounds::default();
            let backward = ScanDirection::Backward;
            self.engine
                .scan(&mut self.disk, None, all, backward, usize::MAX, &mut back)
                .unwrap();
            let rows = back.into_iter().rev().map(|row| (row.key, row.value));
            assert!(rows.eq(self.model.clone()));
            self.engine.sync(&mut self.disk).unwrap();
            self.engine = open(self.kind, &mut self.disk, &self.options).unwrap();
        }
    }

    fn shape(&self) -> TreeShape {
        match self.engine.inspect().structure {
            Structure::Tree(shape) => *shape,
            other => panic!("{other:?}"),
        }
    }

    fn count(&self, kind: PageKind) -> usize {
        let shape = self.shape();
        let not_used: Vec<u32> = match shape.free_list {
            Some((free, waiting)) => free.into_iter().chain(waiting).collect(),
            None => Vec::new(),
        };
        let pages = shape.pages.iter();
        let used = pages.filter(|page| page.kind == kind && !not_used.contains(&page.page));
        used.count()
    }
}

#[test]
fn an_empty_tree_takes_under_64_kib_of_memory_and_disk() {
    for tree in Tree::both() {
        let stats = tree.engine.stats();
        assert!(stats.memory_bytes < 64 * 1024, "{stats:?}");
        assert!(stats.stored_bytes < 64 * 1024, "{stats:?}");
        assert_eq!(stats.stored_bytes, tree.disk.counters().stored_bytes);
    }
}

#[test]
fn one_insert_may_need_a_three_way_split() {
    for mut tree in Tree::both() {
        tree.put(key(1), bytes(1900, 1));
        tree.put(key(3), bytes(1900, 3));
        assert_eq!(tree.count(PageKind::Leaf), 1);
        tree.put(key(2), bytes(3000, 2));
        assert_eq!(tree.count(PageKind::Leaf), 3);
        assert_eq!(tree.shape().height, 2);
        tree.check();
        // And a larger value in the place of a small one.
        let [mut page, mut cow] = Tree::both();
        for tree in [&mut page, &mut cow] {
            for number in 1..4 {
                tree.put(key(number), bytes(1200, 1));
            }
            tree.put(key(2), bytes(3000, 2));
            assert_eq!(tree.count(PageKind::Leaf), 3);
            tree.check();
        }
    }
}

/// Groups of three rows that fill a page, whose first two keys differ only far behind; separators between groups are short.
fn grouped_key(group: u64, last: &str) -> Bytes {
    let far = if last == "z" { "" } else { &"x".repeat(500) };
    Bytes::from(format!("k{group:04}{far}{last}"))
}

/// A tree of two levels, whose root has no room for a long separator.
fn with_a_full_root(kind: EngineKind) -> Tree {
    let mut tree = Tree::new(kind, options(2000, 1 << 24));
    for group in 0..306 {
        for last in ["1", "2"] {
            tree.put(grouped_key(group, last), bytes(800, 1));
        }
        tree.put(grouped_key(group, "z"), bytes(890, 2));
    }
    let shape = tree.shape();
    assert_eq!(shape.height, 2);
    let root = shape
        .pages
        .iter()
        .find(|page| page.page == shape.root)
        .unwrap();
    let free = PAGE_BYTES as u64 - 32 - root.used_bytes;
    assert_eq!(root.count, 305);
    assert!(free < 200, "{free} bytes free in the root");
    tree
}

#[test]
fn a_delete_may_split_ancestors() {
    for kind in TREES {
        let mut tree = with_a_full_root(kind);
        let root = tree.shape().root;
        tree.delete(grouped_key(100, "1"));
        assert_eq!(tree.shape().height, 2);
        // The leaf has one short row left and shares with its sibling: they part between two keys that are alike for long.
        tree.delete(grouped_key(100, "2"));
        assert_eq!(tree.shape().height, 3, "the tree grows by a delete");
        assert_ne!(tree.shape().root, root);
        tree.check();
    }
}

#[test]
fn a_separator_larger_than_the_free_space_splits_the_parent() {
    for kind in TREES {
        let mut tree = with_a_full_root(kind);
        tree.put(grouped_key(200, "15"), bytes(800, 3));
        assert_eq!(tree.shape().height, 3);
        tree.check();
    }
}

#[test]
fn values_about_the_size_of_a_cell_of_a_page_and_of_a_chain() {
    let capacity = PAGE_BYTES - 32;
    let lengths = [
        CELL_BYTES_MAX - 12,
        capacity,
        PAGE_BYTES,
        2 * capacity,
        2 * PAGE_BYTES,
    ];
    for mut tree in Tree::both() {
        let mut number = 0;
        for length in lengths {
            for length in length - 2..=length + 2 {
                number += 1;
                tree.put(key(number), bytes(length, number as u8));
            }
        }
        assert!(tree.count(PageKind::Overflow) > 20);
        tree.check();
        for number in 1..=number {
            // One byte more, one byte less, nothing.
            let len = tree.model[&key(number)].len();
            for len in [len + 1, len - 1, 0] {
                tree.put(key(number), bytes(len, 9));
            }
        }
        tree.check();
        let shape = tree.shape();
        assert!(shape.page_count > 20 && tree.engine.stats().live_bytes < Some(4000));
    }
}

#[test]
fn empty_all_ones_and_the_longest_keys() {
    for mut tree in Tree::both() {
        tree.put(Bytes::new(), bytes(3, 1));
        for length in [
            1,
            2,
            255,
            KEY_INLINE_BYTES - 1,
            KEY_INLINE_BYTES,
            KEY_INLINE_BYTES + 1,
            5000,
        ] {
            tree.put(bytes(length, 0xff), bytes(700, 2));
            tree.put(bytes(length, 0), bytes(700, 2));
        }
        // Alike but for the last of 64 KiB: separators go on elsewhere too.
        for last in 0..20 {
            let mut longest = vec![b'm'; KEY_BYTES_MAX];
            longest[KEY_BYTES_MAX - 1] = last;
            tree.put(Bytes::from(longest), bytes(600, last));
        }
        tree.check();
        for last in (0..20).step_by(2) {
            let mut longest = vec![b'm'; KEY_BYTES_MAX];
            longest[KEY_BYTES_MAX - 1] = last;
            tree.delete(Bytes::from(longest));
        }
        tree.check();
        tree.write(&[Change::DeleteRange {
            from: Bytes::new(),
            to: None,
        }]);
        assert!(tree.model.is_empty());
        tree.check();
        assert_eq!(tree.shape().height, 1);
        assert_eq!(tree.count(PageKind::Overflow), 0);
    }
}

#[test]
fn pages_are_full_after_ascending_inserts_and_two_thirds_full_after_random_ones() {
    for kind in TREES {
        let mut random = Stream::named(Seed(3), "order");
        let fill = |order: Vec<u64>| {
            let mut tree = Tree::new(kind, options(2000, 1 << 24));
            for chunk in order.chunks(100) {
                let put = |number: &u64| Change::Put(key(*number), bytes(100, 5));
                tree.write(&chunk.iter().map(put).collect::<Vec<_>>());
            }
            tree.check();
            tree.shape().fill_per_mille
        };
        let ascending: Vec<u64> = (0..6000).collect();
        let mut shuffled = ascending.clone();
        random.shuffle(&mut shuffled);
        let (ascending, shuffled) = (fill(ascending), fill(shuffled));
        assert!((900..1000).contains(&ascending), "{kind}: {ascending}‰");
        assert!((600..750).contains(&shuffled), "{kind}: {shuffled}‰");
    }
}

#[test]
fn deletes_give_pages_back_and_they_are_used_again() {
    for mut tree in Tree::both() {
        let fill = |tree: &mut Tree| {
            for number in 0..800 {
                tree.put(
                    key(number * 7 % 800),
                    bytes(200 + number as usize % 5000 / 16, 1),
                );
            }
        };
        fill(&mut tree);
        tree.engine.sync(&mut tree.disk).unwrap();
        let pages = tree.shape().page_count;
        for number in 0..800 {
            tree.delete(key(number * 11 % 800));
        }
        assert_eq!(tree.shape().height, 1);
        tree.check();
        for _ in 0..3 {
            tree.engine.sync(&mut tree.disk).unwrap();
            tree.put(key(0), bytes(1, 1));
        }
        fill(&mut tree);
        let again = tree.shape().page_count;
        // A copy-on-write tree needs the old pages besides the new ones until the deletes are committed.
        let most = if tree.kind == EngineKind::Cow {
            2 * pages
        } else {
            pages
        };
        assert!(again <= most + pages / 10, "{pages} pages, then {again}");
        tree.check();
    }
}

fn rows(count: u64) -> impl Iterator<Item = Row> {
    (0..count).map(|number| Row {
        key: key(number),
        value: bytes(if number % 500 == 0 { 5000 } else { 90 }, number as u8),
    })
}

#[test]
fn a_bulk_load_fills_pages_as_it_is_told_and_is_all_or_nothing() {
    for kind in TREES {
        let mut tree = Tree::new(kind, options(50, 1 << 20));
        let load = |tree: &mut Tree, rows: &mut dyn Iterator<Item = Row>| {
            let disk = &mut tree.disk;
            if kind == EngineKind::BTree {
                let (mut engine, _) = BTreeEngine::open(disk, &tree.options).unwrap();
                let loaded = engine.bulk_load(disk, rows);
                tree.engine = Box::new(engine);
                loaded
            } else {
                let (mut engine, _) = CowEngine::open(disk, &tree.options).unwrap();
                let loaded = engine.bulk_load(disk, rows);
                tree.engine = Box::new(engine);
                loaded
            }
        };
        let mut unsorted = rows(500).chain(rows(1));
        let refused = load(&mut tree, &mut unsorted);
        assert!(
            matches!(refused, Err(EngineError::BulkLoad(_))),
            "{refused:?}"
        );
        tree.check();
        load(&mut tree, &mut rows(4000)).unwrap();
        tree.model = rows(4000).map(|row| (row.key, row.value)).collect();
        let fill = tree.shape().fill_per_mille;
        assert!((780..900).contains(&fill), "{fill}‰");
        tree.check();
        let refused = load(&mut tree, &mut rows(1));
        assert_eq!(refused, Err(EngineError::BulkLoad("an empty engine")));
        // It goes on as any tree.
        for number in 0..300 {
            tree.put(key(number * 13), bytes(400, 1));
            tree.delete(key(number * 17));
        }
        tree.check();
        let shipped = tree.engine.log_since(&mut tree.disk, Lsn(0), 1000);
        match kind {
            EngineKind::BTree => assert!(matches!(shipped, Err(EngineError::LogGone { .. }))),
            _ => assert_eq!(shipped, Err(EngineError::NoLog)),
        }
    }
}

#[test]
fn a_batch_may_be_longer_than_the_pool_and_than_a_frame_of_images() {
    for kind in TREES {
        let mut tree = Tree::new(kind, options(4, 1 << 30));
        let put = |number: u64| Change::Put(key(number), bytes(2000, number as u8));
        // Some 6 MiB of page images, in two parts.
        tree.write(&(0..3000).map(put).collect::<Vec<_>>());
        tree.check();
        tree.write(&[Change::DeleteRange {
            from: key(10),
            to: Some(key(2990)),
        }]);
        tree.check();
    }
}

#[test]
fn a_batch_longer_than_a_frame_is_refused_by_the_page_tree_and_changes_nothing() {
    let mut tree = Tree::new(EngineKind::BTree, options(4, 1 << 30));
    tree.put(key(1), bytes(10, 1));
    let value = bytes(VALUE_BYTES_MAX, 1);
    let batch: Vec<_> = (0..4)
        .map(|number| Change::Put(key(number), value.clone()))
        .collect();
    let refused = tree.engine.write(&mut tree.disk, &batch);
    assert!(
        matches!(refused, Err(EngineError::BatchTooLong(_))),
        "{refused:?}"
    );
    tree.check();
}

/// What the pages hold, as text.
fn pages_of(tree: &mut Tree) -> Vec<String> {
    let mut lines = Vec::new();
    tree.engine
        .dump(&mut tree.disk, &mut |line| lines.push(line.to_owned()))
        .unwrap();
    let from = lines
        .iter()
        .position(|line| line.starts_with("page "))
        .unwrap();
    let log = lines
        .iter()
        .position(|line| line.contains("redo-"))
        .unwrap_or(lines.len());
    lines[from..log].to_vec()
}

#[test]
fn redo_makes_the_pages_as_they_were() {
    let mut random = Stream::named(Seed(8), "redo");
    let mut tree = Tree::new(EngineKind::BTree, options(500, 1 << 24));
    for step in 0..400 {
        let batch = random_batch(&mut random, 200, 6000);
        tree.write(&batch);
        if step % 90 == 50 {
            tree.engine.maintain(&mut tree.disk, u64::MAX).unwrap();
        }
    }
    tree.engine.sync(&mut tree.disk).unwrap();
    let before = pages_of(&mut tree);
    for pages in [500, 3] {
        tree.options.btree.pool_pages = pages;
        tree.engine = open(tree.kind, &mut tree.disk, &tree.options).unwrap();
        assert_eq!(pages_of(&mut tree), before);
    }
    tree.check();
}

/// A tree whose leaf was changed after a checkpoint and written once more; then the power goes in the middle of the page.
fn with_a_torn_page(full_page_images: bool) -> Tree {
    let mut settings = options(100, 1);
    settings.btree.full_page_images = full_page_images;
    let mut tree = Tree::new(EngineKind::BTree, settings);
    for number in 0..30 {
        tree.put(key(number), bytes(60, 1));
    }
    // Checkpoints until nothing is left to do: the log is short, the page is in the file.
    while !tree
        .engine
        .maintain(&mut tree.disk, u64::MAX)
        .unwrap()
        .is_idle
    {}
    let before = tree.disk.bytes_of("engine.btree").to_vec();
    tree.options.btree.checkpoint_log_bytes = 1 << 20;
    tree.engine = open(tree.kind, &mut tree.disk, &tree.options).unwrap();
    for number in 0..30 {
        tree.put(key(number), bytes(60, 2));
    }
    tree.engine.sync(&mut tree.disk).unwrap();
    // The page as it is now goes to the file, but only its second half gets there.
    let mut copy = tree.disk.clone();
    let (mut engine, _) = BTreeEngine::open(&mut copy, &tree.options).unwrap();
    engine.checkpoint(&mut copy).unwrap();
    let after = copy.bytes_of("engine.btree").to_vec();
    let root = tree.shape().root as usize * PAGE_BYTES;
    let mut file = tree.disk.bytes_of("engine.btree");
    assert_eq!(file[..], before[..]);
    file[root + 2048..root + PAGE_BYTES].copy_from_slice(&after[root + 2048..root + PAGE_BYTES]);
    assert_ne!(file[..], before[..]);
    drop(file);
    tree
}

#[test]
fn a_torn_page_is_mended_by_its_image() {
    let mut tree = with_a_torn_page(true);
    tree.engine = open(tree.kind, &mut tree.disk, &tree.options).unwrap();
    tree.check();
}

#[test]
fn a_torn_page_without_images_is_refused() {
    let mut tree = with_a_torn_page(false);
    let refused = open(tree.kind, &mut tree.disk, &tree.options).map(|_| ());
    let Err(EngineError::Corrupt { file, offset, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((&file[..], offset), ("engine.btree", 2 * PAGE_BYTES as u64));
}

#[test]
fn files_of_other_versions_and_programs_are_refused_by_name() {
    for (kind, name) in TREES.into_iter().zip(["engine.btree", "engine.cow"]) {
        let change = |at: usize, byte: u8| {
            let mut tree = Tree::new(kind, options(4, 4000));
            tree.put(key(1), bytes(10, 1));
            tree.engine.sync(&mut tree.disk).unwrap();
            let mut file = tree.disk.bytes_of(name);
            for slot in [0, PAGE_BYTES] {
                file[slot + at] = byte;
                let crc = crc32fast::hash(&file[slot..slot + 12]).to_le_bytes();
                file[slot + 12..slot + FILE_HEADER_BYTES as usize].copy_from_slice(&crc);
            }
            drop(file);
            let refused = open(kind, &mut tree.disk, &tree.options)
                .map(|_| ())
                .unwrap_err();
            assert!(matches!(refused, EngineError::Format { .. }), "{refused}");
            refused.to_string()
        };
        let version = change(8, 9);
        assert!(version.contains("B-tree version 9"), "{version}");
        let magic = change(0, b'S');
        assert!(magic.contains("of another format"), "{magic}");
    }
    // A segment of the log.
    let mut tree = Tree::new(EngineKind::BTree, options(4, 4000));
    let name = "engine.redo-0000000000000000";
    let mut file = tree.disk.bytes_of(name);
    file[8] = 7;
    let crc = crc32fast::hash(&file[..12]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
    drop(file);
    let refused = open(tree.kind, &mut tree.disk, &tree.options)
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("version 7"), "{refused}");
}

#[test]
fn a_tree_without_its_log_and_a_log_without_its_tree_are_refused() {
    let filled = || {
        let mut tree = Tree::new(EngineKind::BTree, options(4, 4000));
        for number in 0..20 {
            tree.put(key(number), bytes(500, 1));
        }
        tree.engine.sync(&mut tree.disk).unwrap();
        tree
    };
    let mut tree = filled();
    tree.disk.remove("engine.btree").unwrap();
    let refused = open(tree.kind, &mut tree.disk, &tree.options)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
    let mut tree = filled();
    for name in tree.disk.list().unwrap() {
        if name != "engine.btree" {
            tree.disk.remove(&name).unwrap();
        }
    }
    let refused = open(tree.kind, &mut tree.disk, &tree.options)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
}

#[test]
fn checkpoints_bound_the_log_with_maintenance_and_without() {
    for maintains in [true, false] {
        let mut tree = Tree::new(EngineKind::BTree, options(30, 50_000));
        let mut most = 0;
        for number in 0..2000 {
            tree.put(key(number * 7 % 500), bytes(100, number as u8));
            if maintains {
                tree.engine.maintain(&mut tree.disk, 20_000).unwrap();
            }
            most = most.max(tree.shape().log.unwrap().bytes);
        }
        assert!(most < 220_000, "a log of {most} bytes");
        assert!(tree.shape().log.unwrap().checkpoints > 3);
        tree.check();
    }
}

#[test]
fn a_page_is_in_the_log_once_for_each_checkpoint() {
    let mut tree = Tree::new(EngineKind::BTree, options(30, 1 << 20));
    tree.put(key(1), bytes(1000, 1));
    let written = |tree: &Tree| tree.engine.stats().written_bytes;
    let (mut before, mut costs) = (written(&tree), Vec::new());
    for byte in 2..6 {
        if byte == 4 {
            tree.engine = open(tree.kind, &mut tree.disk, &tree.options).unwrap();
            let (mut engine, _) = BTreeEngine::open(&mut tree.disk, &tree.options).unwrap();
            engine.checkpoint(&mut tree.disk).unwrap();
            tree.engine = Box::new(engine);
            before = written(&tree);
        }
        tree.put(key(1), bytes(10, byte));
        costs.push(written(&tree) - before);
        before = written(&tree);
    }
    let [first, second, after_checkpoint, last] = costs[..] else {
        panic!("{costs:?}")
    };
    assert!(first < 150 && second < 150 && last < 150, "{costs:?}");
    assert!(after_checkpoint > first + 50, "{costs:?}");
}

#[test]
fn the_copy_on_write_file_gets_shorter_when_its_end_is_free() {
    let mut tree = Tree::new(EngineKind::Cow, options(30, 0));
    for number in 0..500 {
        tree.put(key(number), bytes(500, 1));
    }
    tree.engine.sync(&mut tree.disk).unwrap();
    let most = tree.disk.counters().stored_bytes;
    tree.write(&[Change::DeleteRange {
        from: key(10),
        to: None,
    }]);
    for round in 0..4 {
        for number in 0..10 {
            tree.put(key(number), bytes(400, round));
        }
        tree.engine.sync(&mut tree.disk).unwrap();
        tree.engine.maintain(&mut tree.disk, 0).unwrap();
    }
    tree.check();
    let least = tree.disk.counters().stored_bytes;
    assert!(least < most / 4, "{most} bytes, then {least}");
}

#[test]
fn compaction_moves_pages_of_the_copy_on_write_tree_to_the_beginning() {
    let mut tree = Tree::new(EngineKind::Cow, options(30, 1 << 20));
    let mut random = Stream::named(Seed(7), "compaction");
    let mut batches = |tree: &mut Tree, count: usize| {
        for _ in 0..count {
            tree.write(&random_batch(&mut random, 400, 9000));
            tree.engine.sync(&mut tree.disk).unwrap();
        }
    };
    batches(&mut tree, 300);
    let snapshot = tree.engine.snapshot();
    let frozen = tree.model.clone();
    batches(&mut tree, 100);
    // What a snapshot holds stays where it is.
    tree.engine.compact(&mut tree.disk).unwrap();
    let found = content(&mut *tree.engine, &mut tree.disk, Some(snapshot)).unwrap();
    assert_eq!(found, frozen);
    tree.engine.release(snapshot);
    tree.delete(key(1));
    let before = tree.shape();
    tree.engine.compact(&mut tree.disk).unwrap();
    let after = tree.shape();
    let not_used = after.free_pages * 10;
    assert!(not_used < after.page_count, "{after:?}");
    assert!(
        after.page_count * 3 < before.page_count * 2,
        "{before:?}, {after:?}"
    );
    tree.check();
    // Without free pages there is nothing more to be had; commits need a few.
    tree.engine.compact(&mut tree.disk).unwrap();
    assert!(tree.shape().page_count * 4 < after.page_count * 5);
    tree.check();
}

/// A round of moves needs free pages for the way to each page, so that one alone left some at the end, and the file as long
/// as it was.
#[test]
fn compaction_of_a_tree_of_many_pages_leaves_none_of_them_at_the_end() {
    let mut tree = Tree::new(EngineKind::Cow, EngineOptions::default());
    let row = |number: u64| Change::Put(key(number), bytes(100, number as u8));
    for round in 0..2 {
        for batch in 0..10 {
            let numbers = (0..1000).map(|n| (n * 10 + batch) * 7919 % 10_007 + round);
            tree.write(&numbers.map(row).collect::<Vec<_>>());
        }
        tree.engine.sync(&mut tree.disk).unwrap();
    }
    for number in 0..1000 {
        tree.write(&[row(number * 7919 % 10_007)]);
    }
    let used = |shape: &TreeShape| shape.page_count - shape.free_pages;
    let before = tree.shape();
    assert!(before.free_pages > used(&before), "{before:?}");
    tree.engine.compact(&mut tree.disk).unwrap();
    let after = tree.shape();
    assert!(after.free_pages * 10 < used(&after), "{after:?}");
    tree.check();
}

#[test]
fn compaction_of_the_page_tree_makes_its_log_short() {
    let mut tree = Tree::new(EngineKind::BTree, options(30, 1 << 20));
    for number in 0..300 {
        tree.put(key(number), bytes(500, number as u8));
    }
    let log_bytes = |tree: &Tree| tree.shape().log.expect("a log").bytes;
    assert!(log_bytes(&tree) > 100_000);
    tree.engine.compact(&mut tree.disk).unwrap();
    assert!(log_bytes(&tree) < 100, "{}", log_bytes(&tree));
    tree.check();
}

/// Several segments are removed at once, and a loss of power may undo the removal of the oldest alone.
#[test]
fn an_old_segment_of_the_log_that_comes_back_is_removed_again() {
    let mut with_log = options(30, 2000);
    with_log.btree.log_kept_bytes = 1 << 20;
    let mut tree = Tree::new(EngineKind::BTree, with_log);
    for number in 0..200 {
        tree.put(key(number), bytes(100, number as u8));
    }
    tree.engine.maintain(&mut tree.disk, u64::MAX).unwrap();
    let segments = |tree: &mut Tree| -> Vec<String> {
        let names = tree.disk.list().unwrap().into_iter();
        let is_segment = |name: &String| name.starts_with("engine.redo-");
        names.filter(is_segment).collect()
    };
    let before = segments(&mut tree);
    assert!(before.len() > 4, "{before:?}");
    tree.disk.remove(&before[1]).unwrap();
    tree.disk.remove(&before[2]).unwrap();
    tree.engine = open(tree.kind, &mut tree.disk, &tree.options).unwrap();
    assert_eq!(segments(&mut tree), before[3..]);
    tree.check();
}

#[test]
fn the_copy_on_write_tree_notices_that_its_newest_meta_page_is_gone() {
    let mut tree = Tree::new(EngineKind::Cow, options(30, 0));
    tree.put(key(1), bytes(10, 1));
    tree.engine.sync(&mut tree.disk).unwrap();
    let slot = tree.shape().meta_number as usize % 2 * PAGE_BYTES;
    tree.disk.bytes_of("engine.cow")[slot + 40] ^= 1;
    let refused = open(tree.kind, &mut tree.disk, &tree.options)
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("was durable"), "{refused}");
}

/// The bytes of all files, one after the other.
fn files(disk: &mut SimDisk) -> Vec<(String, u64)> {
    let names = disk.list().unwrap();
    let len = |name: String| {
        let file = disk.open(&name, OpenMode::Existing).unwrap();
        let len = disk.len(file).unwrap();
        disk.close(file).unwrap();
        (name, len)
    };
    names.into_iter().map(len).collect()
}

#[test]
fn one_flipped_bit_in_any_byte_gives_the_right_answer_or_an_error() {
    for kind in TREES {
        let mut tree = Tree::new(kind, options(3, 3000));
        for number in 0..12 {
            tree.put(key(number), bytes(number as usize * 130, number as u8));
            if number % 5 == 4 {
                tree.engine.sync(&mut tree.disk).unwrap();
                tree.engine.maintain(&mut tree.disk, u64::MAX).unwrap();
            }
        }
        tree.put(key(3), bytes(9000, 3));
        tree.delete(key(4));
        tree.engine.sync(&mut tree.disk).unwrap();
        let mut right = 0;
        let mut refused = 0;
        for (name, len) in files(&mut tree.disk) {
            for at in 0..len as usize {
                // One byte in three, and all of headers.
                if at % PAGE_BYTES >= 64 && at % 3 != 0 {
                    continue;
                }
                let mut disk = tree.disk.clone();
                disk.bytes_of(&name)[at] ^= 1 << (at % 8);
                let damaged =
                    |what: &str| format!("{kind}: {what} with byte {at} of {name} flipped");
                let mut open_tree = tree.engine.clone_box();
                for (key, value) in &tree.model {
                    match open_tree.get(&mut disk, key, None) {
                        Ok(got) => assert_eq!(got.as_ref(), Some(value), "{}", damaged("read")),
                        Err(EngineError::Corrupt { .. }) => {}
                        Err(other) => panic!("{}", damaged(&other.to_string())),
                    }
                }
                let opened = open(kind, &mut disk, &tree.options)
                    .and_then(|mut engine| content(&mut *engine, &mut disk, None));
                match opened {
                    Ok(found) if found == tree.model => right += 1,
                    Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => refused += 1,
                    Ok(_) => assert!(
                        is_in_the_last_group(&tree, &name, at),
                        "{}",
                        damaged("reopened")
                    ),
                    Err(other) => panic!("{}", damaged(&other.to_string())),
                }
            }
        }
        assert!(
            right > 500 && refused > 3000,
            "{kind}: {right} right, {refused} refused"
        );
    }
}

/// The limit that the chapter on frames declares: damage to the last group of frames, whose mark is not durable, looks like
/// a torn tail. Here the mark is in the file, so that only damage of the mark itself and of nothing else passes.
fn is_in_the_last_group(tree: &Tree, name: &str, at: usize) -> bool {
    let log = tree.shape().log;
    log.is_some_and(|log| name.contains("redo-") && at as u64 + 20 >= log.bytes)
}
