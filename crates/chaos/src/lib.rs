//! Faults on purpose: real servers, real runners and the real OpenTofu are killed, stopped and cut off at random
//! moments while clients order, and afterwards every answer that a client got has to be true still.
//!
//! A seed decides what clients ask for and which fault comes when, so a finding can be looked for again with the same
//! seed. Which instruction a fault hits, the machine decides.

pub mod clients;
pub mod facts;
pub mod faults;
pub mod installation;
pub mod proxy;
pub mod random;
pub mod round;
pub mod verdict;
pub mod worker;
