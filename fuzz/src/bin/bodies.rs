//! Bodies of every kind, from their bytes to the admission in the transaction.

#![no_main]

use stoa_fuzz::Stage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| Stage::get().body(data));
