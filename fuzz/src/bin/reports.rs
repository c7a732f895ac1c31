//! What runners and operators say about a run.

#![no_main]

use stoa_fuzz::Stage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| Stage::get().report(data));
