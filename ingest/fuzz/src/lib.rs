//! One front door for all inputs of a fuzzer, and what must hold of each.

pub mod door;

/// A target of that name: it posts its input and checks what becomes of it.
#[macro_export]
macro_rules! door_target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|body: &[u8]| {
            thread_local! {
                static DOOR: $crate::door::Door = $crate::door::Door::open($name);
            }
            DOOR.with(|door| door.take(body));
        });
    };
}
