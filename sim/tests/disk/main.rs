//! The promises of the disks, forced one by one and at random.

mod contract;
mod crashes;
mod durability;
mod reference;
mod steps;
