//! Questions about a district: what they take, bare, with policies and from memory, alone
//! and among others, beside other engines and on the database that runs the school.

mod alone;
mod cancel;
mod clients;
mod district;
mod engines;
mod enrolment;
mod events;
mod memory;
mod mirror;
mod overhead;
mod peers;
mod places;
mod service;
mod statements;

use self::district::District;
use self::engines::Engines;
use self::mirror::Mirror;
use self::service::Service;
use crate::report::Report;

/// Events of the district: `BENCH_ROWS`.
fn rows() -> u64 {
    std::env::var("BENCH_ROWS").map_or(10_000_000, |text| {
        text.parse().expect("BENCH_ROWS is a number")
    })
}

/// Which of these figures are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Those of the service alone.
    pub own: bool,
    /// Those beside other engines.
    pub peers: bool,
    /// Those of enrolling meanwhile.
    pub enrolment: bool,
}

/// The services that are asked, over one lake.
pub struct Services {
    /// Keeps no answers.
    bare: Service,
    /// As it comes.
    keeping: Service,
}

impl Services {
    async fn start(district: &District) -> Self {
        let sandbox = &district.sandbox;
        let none = [("CHALKLINE_QUERY_RESULTS_BYTES", "0")];
        Self {
            bare: Service::start(sandbox, "query", "bare", &none).await,
            keeping: Service::start(sandbox, "query", "keeping", &[]).await,
        }
    }
}

/// Measures what is wanted of one district. Each load lasts half of `seconds`, enrolling
/// all of it.
pub async fn measure(wanted: Wanted, seconds: u64, report: &mut Report) {
    let district = District::new(rows()).await;
    let services = Services::start(&district).await;
    if wanted.own {
        alone::measure(&district, &services, report).await;
        overhead::measure(&district, &services.bare, report).await;
        clients::measure(&district, &services, seconds.div_ceil(2), report).await;
        memory::measure(&district, &services, report).await;
        cancel::measure(&district, report).await;
    }
    if !wanted.peers && !wanted.enrolment {
        return;
    }
    let mut engines = Engines::start(&district);
    if wanted.peers {
        peers::engines(&district, &services.bare, &mut engines, report).await;
    }
    let mirror = Mirror::new(&district, &services.bare, &mut engines).await;
    drop(engines);
    if wanted.peers {
        peers::database(&district, &services, &mirror, report).await;
    }
    if wanted.enrolment {
        enrolment::measure(&district, &services.keeping, &mirror, seconds, report).await;
    }
}
