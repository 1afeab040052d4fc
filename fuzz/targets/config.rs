//! Configuration files: any bytes give a configuration or complaints, in bounded time and memory.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| nightjar_config::fuzz_load(input));
