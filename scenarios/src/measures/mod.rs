//! Measures: how stale, how long unavailable, how much lost.
//!
//! Checkers say *whether* a guarantee held; measures say *how far* a run was from it, for whoever has to choose among
//! designs that all fall short. They see what checkers see: the history, and for losses the final contents. No replica,
//! no log, no trace; so the same measures can be taken of other people's systems.
//!
//! | measure | of what | unit |
//! |---|---|---|
//! | [`Staleness`] | every acknowledged read whose write is known | versions; time |
//! | [`Availability`] | stretches in which operations were tried and none succeeded | time |
//! | [`Loss`] | acknowledged updates that no replica reflects in the end | updates |
//!
//! Clients do not see in which order updates took their places, so each measure is a **lower bound**, of the same kind
//! as a checker's proof (see [what the history proves](crate::checkers)): a read was *at least* so stale, *at least* so
//! many updates are gone. What is not proven does not count. With updates one after the other, as in most scenarios that
//! measure, the bounds are exact.

mod availability;
mod loss;
mod staleness;

pub use availability::{Availability, availability};
pub(crate) use availability::{Outage, outages};
pub use loss::{Loss, loss};
pub(crate) use staleness::{Behind, each_read, instant_of};
pub use staleness::{Staleness, StalenessSpread, staleness};
