//! The promises of the disks, forced one by one and at random.

mod contract;
mod crash_states;
mod crashes;
mod durability;
mod faults;
mod reference;
mod steps;
