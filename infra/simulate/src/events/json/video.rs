//! The data of video events.

use super::members::{one_decimal, padded, quarters, tenths, text};
use crate::events::event::Detail;

pub(super) fn video(to: &mut Vec<u8>, detail: &Detail) {
    match detail {
        Detail::Loaded { length } | Detail::Watched { length } => {
            tenths(to, "duration", *length);
        }
        Detail::Played { position }
        | Detail::Paused { position }
        | Detail::CaptionsToggled { position } => tenths(to, "position", *position),
        Detail::Seeked { from, to: end } => {
            tenths(to, "from", *from);
            tenths(to, "to", *end);
        }
        Detail::Progressed {
            from,
            to: end,
            length,
            rate,
        } => {
            tenths(to, "from", *from);
            tenths(to, "to", *end);
            tenths(to, "duration", *length);
            quarters(to, *rate);
        }
        Detail::RateChanged { position, rate } => {
            tenths(to, "position", *position);
            quarters(to, *rate);
        }
        Detail::Stopped(stop) => {
            tenths(to, "position", stop.position);
            tenths(to, "duration", stop.length);
            let progress = stop.progress();
            text(to, "\"progress\":");
            to.push(b'0' + (progress / 1_000) as u8);
            to.push(b'.');
            padded(to, progress % 1_000, 3);
            text(to, ",\"played_segments\":[");
            for (index, (from, end)) in stop.segments.iter().enumerate() {
                text(to, if index == 0 { "[" } else { ",[" });
                one_decimal(to, *from);
                to.push(b',');
                one_decimal(to, *end);
                to.push(b']');
            }
            text(to, "],");
        }
        _ => {}
    }
}
