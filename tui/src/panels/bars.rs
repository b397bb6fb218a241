//! Bars of block characters: an eighth of a line is the smallest step.

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The cell of a bar in one of its lines: `row` counts from the top of `rows`. A value above zero shows at least an
/// eighth.
pub fn cell(value: u64, most: u64, row: u16, rows: u16) -> &'static str {
    let eighths = u128::from(rows) * 8;
    let scaled = u128::from(value) * eighths / u128::from(most.max(1));
    let height = scaled.clamp(u128::from(value > 0), eighths);
    let below = u128::from(rows - 1 - row.min(rows - 1)) * 8;
    let here = height.saturating_sub(below).min(8);
    EIGHTHS[here as usize]
}

/// The column of a plot in which a value of `0..=most` falls.
pub fn place(value: u64, most: u64, columns: u16) -> u16 {
    let scaled = u128::from(value.min(most)) * u128::from(columns) / u128::from(most.max(1));
    (scaled as u16).min(columns.saturating_sub(1))
}

/// A line of `columns` cells of `fill` with labels at its beginning, middle (where given) and end, and a place left free
/// for a mark at `mark`: labels make room for it.
pub fn axis(columns: u16, fill: char, labels: [Option<&str>; 3], mark: u16) -> String {
    let columns = usize::from(columns);
    let mark = usize::from(mark);
    let mut cells = vec![fill; columns];
    let [begin, middle, end] = labels;
    let length = |label: &str| label.chars().count();
    let places = [
        begin.map(|label| (if mark < length(label) { mark + 2 } else { 0 }, label)),
        middle.map(|label| (columns / 2, label)),
        end.map(|label| {
            let usual = columns.saturating_sub(length(label));
            let pushed = (mark >= usual).then(|| mark.saturating_sub(length(label) + 1));
            (pushed.unwrap_or(usual), label)
        }),
    ];
    for (start, label) in places.into_iter().flatten() {
        let Some(place) = cells.get_mut(start..start + length(label)) else {
            continue;
        };
        let free = place.iter().all(|c| *c == fill);
        let marked = (start..start + length(label)).contains(&mark);
        if free && !marked {
            place
                .iter_mut()
                .zip(label.chars())
                .for_each(|(cell, c)| *cell = c);
        }
    }
    cells.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(value: u64, most: u64, rows: u16) -> String {
        (0..rows).map(|row| cell(value, most, row, rows)).collect()
    }

    #[test]
    fn bars_fill_from_below_and_small_values_show() {
        assert_eq!(bar(0, 10, 2), "  ");
        assert_eq!(bar(1, 1_000, 2), " ▁");
        assert_eq!(bar(5, 10, 2), " █");
        assert_eq!(bar(10, 10, 2), "██");
        assert_eq!(bar(20, 10, 1), "█");
        assert_eq!(bar(u64::MAX, u64::MAX, 3), "███");
    }

    #[test]
    fn the_last_value_falls_into_the_last_column() {
        assert_eq!(place(0, 100, 10), 0);
        assert_eq!(place(55, 100, 10), 5);
        assert_eq!(place(100, 100, 10), 9);
        assert_eq!(place(7, 0, 10), 0);
        assert_eq!(place(u64::MAX, u64::MAX, 3), 2);
    }

    #[test]
    fn labels_make_room_for_the_mark() {
        let axis = |mark| axis(20, '-', [Some("0"), Some("1 s"), Some("2 s")], mark);
        assert_eq!(axis(5), "0---------1 s----2 s");
        assert_eq!(axis(0), "--0-------1 s----2 s");
        assert_eq!(axis(11), "0----------------2 s");
        assert_eq!(axis(19), "0---------1 s--2 s--");
        assert_eq!(
            super::axis(2, '-', [Some("0"), None, Some("250 ms")], 1),
            "0-"
        );
    }
}
