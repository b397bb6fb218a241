//! What runs in the world: storage engines and replication protocols, as pure state machines. Knows no world.

pub mod inspect;
pub mod kv;
pub mod replication;
pub mod storage;
