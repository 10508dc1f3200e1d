//! Watching a video: stretches, pauses, going back where it is hard, and leaving.

use super::{SECOND, Trail};
use crate::content::{Content, Video};
use crate::draw::logistic;
use crate::events::event::{Detail, Stop};

/// The player says every so often what was watched, in tenths of seconds of the video.
const HEARTBEAT: u32 = 300;

/// Somebody before a player.
struct Player {
    content: Content,
    video: Video,
    position: u32,
    /// In quarters.
    rate: u8,
    segments: Vec<(u32, u32)>,
    /// How often it was gone back in each hard place.
    returns: [u8; 2],
}

impl Trail<'_> {
    pub(super) fn watching(&mut self, content: Content) {
        let mut player = self.load(content);
        self.captions(&player);
        // Most who leave do so at the beginning, those who do not care everywhere.
        let boredom = 0.028 * logistic(-1.4 * self.student.diligence) + 0.004;
        let leaves_at_once = self.draw.chance(0.06);
        while player.position < player.video.length {
            let beginning = player.position < 2 * HEARTBEAT && leaves_at_once;
            let outro = player.position > player.video.length / 100 * 93;
            let leaving = if beginning { 0.6 } else { boredom };
            if player.position > 0 && self.draw.chance(if outro { 0.12 } else { leaving }) {
                break;
            }
            self.stretch(&mut player);
            self.maybe_goes_back(&mut player);
            if self.draw.chance(0.03) {
                self.pause(&player);
            }
            if self.draw.chance(0.025 * logistic(-self.student.diligence)) {
                let skip = self.draw.between(150, 600);
                let to = (player.position + skip).min(player.video.length - 10);
                self.seek(&mut player, to);
            }
        }
        self.leave(player);
    }

    /// Looks at a hard place again, before an exam.
    pub(super) fn review(&mut self, content: Content) {
        let mut player = self.load(content);
        let (from, to) = player.video.hard[self.draw.below(2) as usize];
        self.pass(1, 6);
        self.seek(&mut player, from.saturating_sub(30));
        let end = (to + self.draw.between(30, 250)).min(player.video.length);
        while player.position < end {
            self.stretch(&mut player);
        }
        self.leave(player);
    }

    fn load(&mut self, content: Content) -> Player {
        self.content = Some(content);
        let video = self.world.video(content);
        let length = video.length;
        self.note(Detail::Loaded { length });
        self.pass(1, 5);
        self.note(Detail::Played { position: 0 });
        let rate = match self.draw.below(100) {
            0..76 => 4,
            76..88 => 5,
            88..97 => 6,
            _ => 8,
        };
        if rate != 4 {
            self.pass(1, 3);
            self.note(Detail::RateChanged { position: 0, rate });
        }
        Player {
            content,
            video,
            position: 0,
            rate,
            segments: Vec::new(),
            returns: [0; 2],
        }
    }

    fn captions(&mut self, player: &Player) {
        if self.draw.chance(0.07) {
            self.note(Detail::CaptionsToggled {
                position: player.position,
            });
        }
    }

    /// Plays on for a heartbeat.
    fn stretch(&mut self, player: &mut Player) {
        let from = player.position;
        let to = (from + HEARTBEAT).min(player.video.length);
        self.now += i64::from(to - from) * 100 * 4 / i64::from(player.rate);
        self.note(Detail::Progressed {
            from,
            to,
            length: player.video.length,
            rate: player.rate,
        });
        match player.segments.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => player.segments.push((from, to)),
        }
        player.position = to;
    }

    fn maybe_goes_back(&mut self, player: &mut Player) {
        let hardness = player.video.difficulty - self.student.ability;
        for (place, (from, to)) in player.video.hard.into_iter().enumerate() {
            let just_seen = player.position >= to && player.position < to + HEARTBEAT;
            if !just_seen || player.returns[place] > 1 {
                continue;
            }
            player.returns[place] += 1;
            if self.draw.chance(logistic(hardness - 0.4)) {
                self.seek(player, from);
                return;
            }
        }
    }

    fn seek(&mut self, player: &mut Player, to: u32) {
        self.pass(1, 3);
        let from = player.position;
        self.note(Detail::Seeked { from, to });
        player.position = to;
    }

    fn pause(&mut self, player: &Player) {
        let position = player.position;
        self.note(Detail::Paused { position });
        self.pass(4, 180);
        self.note(Detail::Played { position });
    }

    fn leave(&mut self, player: Player) {
        let length = player.video.length;
        let stop = Stop {
            position: player.position,
            length,
            segments: player.segments,
        };
        self.now += SECOND;
        if stop.progress() >= 950 {
            self.note(Detail::Watched { length });
            self.about(player.content, |trail| trail.note(Detail::Completed));
        }
        self.note(Detail::Stopped(Box::new(stop)));
        self.content = None;
    }
}
