//! What is left out of a busy window, by rule, so that the rest can be read.

use super::scene::{End, Message, Part, Scene};

/// More messages than this are a grey mass.
const MESSAGES_MAX: usize = 420;

/// The messages to draw, and what was left out.
pub(super) struct Kept<'a> {
    pub(super) messages: Vec<&'a Message>,
    /// How many background messages are left out.
    pub(super) background_left_out: usize,
    /// The messages of each so many-th operation are drawn; 1 where all are.
    pub(super) every: u32,
}

/// Background messages go first, then the messages of all but every n-th operation. Those of the witness stay, and so do
/// those that were lost.
pub(super) fn keep(scene: &Scene) -> Kept<'_> {
    let all = &scene.messages;
    if all.len() <= MESSAGES_MAX {
        return Kept {
            messages: all.iter().collect(),
            background_left_out: 0,
            every: 1,
        };
    }
    let stays = |message: &Message| {
        matches!(message.part, Part::Witness | Part::SetOff) || matches!(message.end, End::Lost(_))
    };
    let is_left_out = |message: &&Message| message.part == Part::Background && !stays(message);
    let background_left_out = all.iter().filter(is_left_out).count();
    let others = all
        .iter()
        .filter(|message| message.part == Part::Other && !stays(message))
        .count();
    let room = MESSAGES_MAX.saturating_sub(all.len() - background_left_out - others);
    let every = others.div_ceil(room.max(1)).max(1) as u32;
    let kept = all.iter().filter(|message| {
        let sampled = message.operation.is_some_and(|number| number % every == 0);
        stays(message) || (message.part == Part::Other && sampled)
    });
    Kept {
        messages: kept.collect(),
        background_left_out,
        every,
    }
}
