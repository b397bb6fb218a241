//! Seedbed.
