//! Witnesses are judged: by an oracle that puts back what they omit in every way, by mutated histories whose culprit is
//! known, and by reading them.

mod cores;
mod histories;
mod mutants;
mod oracle;
mod stories;
