//! Nasty cases by name, and the parts by themselves.
