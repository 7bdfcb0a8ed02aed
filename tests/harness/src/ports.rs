//! Ports for servers.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Below the range from which kernels take ports for outgoing connections: a server that is stopped finds its
/// port free when it starts again.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port of 127.0.0.1 on which nothing listens. Two calls in one process never give the same one; two
/// processes start at different places.
pub fn free_port() -> anyhow::Result<u16> {
    // Counts calls, so that a port is not given twice before its server listens.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let _ = NEXT.compare_exchange(
        0,
        1 + ((nanos / 1000) ^ std::process::id().wrapping_mul(7919)) as u16 % COUNT,
        Ordering::Relaxed,
        Ordering::Relaxed,
    );
    for _ in 0..COUNT {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port of 127.0.0.1 from {FIRST} to {} is free", FIRST + COUNT)
}
