//! What it means that a thing was looked at.

use schemas::event::{Clickstream, Data, EventType};

use super::address::without_people;
use super::meaning::Meaning;
use super::parts::Parts;

/// Things that are people, or say who somebody is.
const PEOPLE: [&str; 3] = ["enrollment", "profile", "user"];

/// Things of which pages show parts: they are no content themselves.
const PLACES: [&str; 3] = ["account", "course", "group"];

/// What `asset_accessed` means.
pub fn meaning(parts: &mut Parts) -> Meaning {
    let address = |member: &str| parts.told(member).map(without_people);
    let (url, referrer) = (address("url"), address("referrer"));
    let kind = parts.text("asset_type").unwrap_or_default().to_lowercase();
    let kind = kind.rsplit(':').next().unwrap_or_default().to_owned();
    let listed = parts.text("asset_subtype").is_some();
    let id = parts.take_id("asset_id");
    let is_person = PEOPLE.contains(&kind.as_str());
    let id = id.filter(|_| !is_person && !kind.is_empty());
    let content = id.as_ref().map(|id| format!("{kind}:{id}"));
    let is_page = listed || is_person || PLACES.contains(&kind.as_str());
    let event_type = match (kind.as_str(), &id) {
        _ if is_page => (url.is_some() || content.is_some()).then_some("page.viewed"),
        (_, None) => None,
        ("discussion_topic" | "announcement", _) => Some("discussion.viewed"),
        ("attachment", _) if is_download(url.as_deref()) => Some("resource.downloaded"),
        _ => Some("content.opened"),
    };
    let of_discussion = event_type == Some("discussion.viewed");
    let data = Data::Clickstream(Clickstream {
        url,
        referrer,
        thread_id: id.filter(|_| of_discussion),
        role: parts.take_role("role"),
        ..Clickstream::default()
    });
    Meaning {
        event_type: event_type.and_then(EventType::from_name),
        data,
        content,
    }
}

/// Whether the address of a file is that at which it is fetched, not shown.
fn is_download(url: Option<&str>) -> bool {
    url.is_some_and(|url| url.split('/').any(|part| part == "download"))
}
