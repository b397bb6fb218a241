//! The promises of the disks, forced one by one and at random.

mod durability;
