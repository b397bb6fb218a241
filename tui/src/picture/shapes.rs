//! Characters that are drawn as shapes.

use std::fmt::Write;

use super::{HIGH, WIDE};

/// Adds a symbol's shape to a path, with its cell's corner at `(x, y)`; `false` when it is text.
pub(super) fn path(out: &mut String, symbol: &str, x: f64, y: f64) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return false;
    };
    match c {
        '▁'..='█' => {
            let eighths = f64::from(c as u32 - '▁' as u32 + 1);
            let height = HIGH * eighths / 8.0;
            // A little into the line below, where a bar goes on: renderers leave a seam between shapes that only touch.
            rect(out, x, y + HIGH - height, WIDE, height + 0.4);
        }
        '░' => shade(out, x, y, 0.18),
        '▒' => shade(out, x, y, 0.42),
        '\u{2800}'..='\u{28ff}' => braille(out, c as u32 - 0x2800, x, y),
        '►' | '▶' => {
            let _ = write!(
                out,
                "M{:.1} {:.1}l{:.1} {:.1}l{:.1} {:.1}z",
                x + 1.0,
                y + 4.0,
                WIDE - 2.0,
                4.5,
                2.0 - WIDE,
                4.5
            );
        }
        '▲' => {
            let _ = write!(
                out,
                "M{:.1} {:.1}l{:.1} {:.1}h{:.1}z",
                x + WIDE / 2.0,
                y + 3.0,
                WIDE / 2.0,
                10.0,
                -WIDE
            );
        }
        '■' => rect(out, x + 1.0, y + 5.5, WIDE - 2.0, WIDE - 2.0),
        '●' => disc(out, x + WIDE / 2.0, y + HIGH / 2.0, 3.2),
        '·' => disc(out, x + WIDE / 2.0, y + HIGH / 2.0, 1.1),
        _ => return line(out, c, x, y),
    }
    true
}

fn rect(out: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let _ = write!(out, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h{:.1}z", -width);
}

fn disc(out: &mut String, x: f64, y: f64, radius: f64) {
    let across = 2.0 * radius;
    let _ = write!(
        out,
        "M{:.1} {y:.1}a{radius} {radius} 0 1 0 {across:.1} 0a{radius} {radius} 0 1 0 {:.1} 0z",
        x - radius,
        -across
    );
}

/// A shade as slanting bars that cover a part of the cell, since a path has one opacity.
fn shade(out: &mut String, x: f64, y: f64, cover: f64) {
    let step = HIGH / 4.0;
    for index in 0..4 {
        rect(
            out,
            x,
            y + f64::from(index) * step + 1.0,
            WIDE,
            step * cover,
        );
    }
}

/// The eight dots of a braille pattern, in the order of its bits.
fn braille(out: &mut String, bits: u32, x: f64, y: f64) {
    const PLACES: [(f64, f64); 8] = [
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, 2.0),
        (1.0, 0.0),
        (1.0, 1.0),
        (1.0, 2.0),
        (0.0, 3.0),
        (1.0, 3.0),
    ];
    for (bit, (column, row)) in PLACES.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            disc(
                out,
                x + WIDE * (0.25 + 0.5 * column),
                y + HIGH * (0.125 + 0.25 * row),
                1.2,
            );
        }
    }
}

/// Box lines, as bars from the middle of the cell to its sides.
fn line(out: &mut String, c: char, x: f64, y: f64) -> bool {
    // Left, right, up, down.
    let (arms, heavy) = match c {
        '─' => ("lr", false),
        '│' => ("ud", false),
        '┌' => ("rd", false),
        '┐' => ("ld", false),
        '└' => ("ru", false),
        '┘' => ("lu", false),
        '━' => ("lr", true),
        '┃' => ("ud", true),
        '┏' => ("rd", true),
        '┓' => ("ld", true),
        '┗' => ("ru", true),
        '┛' => ("lu", true),
        _ => return false,
    };
    let thick = if heavy { 2.0 } else { 1.0 };
    let (middle_x, middle_y) = (x + WIDE / 2.0, y + HIGH / 2.0);
    let half = thick / 2.0;
    for arm in arms.chars() {
        match arm {
            'l' => rect(out, x, middle_y - half, WIDE / 2.0 + half, thick),
            'r' => rect(
                out,
                middle_x - half,
                middle_y - half,
                WIDE / 2.0 + half,
                thick,
            ),
            'u' => rect(out, middle_x - half, y, thick, HIGH / 2.0 + half),
            _ => rect(
                out,
                middle_x - half,
                middle_y - half,
                thick,
                HIGH / 2.0 + half,
            ),
        }
    }
    true
}
