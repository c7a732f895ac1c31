//! States and locks of OpenTofu.

#![no_main]

use stoa_fuzz::Stage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| Stage::get().state(data));
