//! How events arrive: at once and once, or as they do in the world.

use super::event::Event;
use crate::draw::Draw;
use crate::world::{App, World, key};

/// In what order events come, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Each once, in the order in which they happened.
    #[default]
    Ideal,
    /// In the order in which they arrive: mostly after seconds; those of phones that are
    /// offline hours and days later, the last first; some twice.
    Real,
}

/// One in so many events is sent again soon after, its answer being lost.
const RETRIED: u32 = 100;
/// One in so many is sent again a day later or two.
const REPEATED: u32 = 2_000;
/// The share of visits with a phone that is offline.
const OFFLINE: f64 = 0.08;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

impl World {
    /// When the events of a visit arrive, by a function of their number and their times.
    pub(super) fn deliver(&self, events: Vec<Event>, take: &mut dyn FnMut(i64, Event)) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return;
        };
        let mut phone = self.draw(&[key::PHONE, first.id]);
        let may_be_offline = matches!(first.app, Some(App::Android | App::Ios));
        let online = (may_be_offline && phone.chance(OFFLINE)).then(|| {
            let hours = if phone.chance(0.7) { 14 } else { 72 };
            last.at + HOUR + i64::from(phone.below(hours * 3_600)) * SECOND
        });
        let count = events.len() as i64;
        for (number, event) in events.into_iter().enumerate() {
            let mut draw = self.draw(&[key::DELIVERY, event.id]);
            let arrives = match online {
                // What was noted last is sent first.
                Some(online) if event.app.is_some() => online + (count - number as i64) * 20,
                _ => event.at + soon(&mut draw),
            };
            if draw.below(RETRIED) == 0 {
                let again = i64::from(draw.between(5, 120)) * SECOND;
                take(arrives + again, event.clone());
            }
            if draw.below(REPEATED) == 0 {
                let again = i64::from(draw.between(20, 50)) * HOUR;
                take(arrives + again, event.clone());
            }
            take(arrives, event);
        }
    }
}

/// Milliseconds that an event is on its way: some wait for a batch.
fn soon(draw: &mut Draw) -> i64 {
    i64::from(match draw.below(10) {
        0..7 => draw.between(40, 900),
        _ => draw.between(900, 8_000),
    })
}
