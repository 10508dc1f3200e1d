//! Days without school.

use super::Catalog;
use crate::table::{Table, row};

impl<'w> Catalog<'w> {
    pub(super) fn calendar_days(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "calendar_days",
            columns: &["org_id", "day", "kind", "title"],
            fill: Box::new(move |rows| {
                for (day, why) in world.year().holidays() {
                    let kind = match why.ends_with("break") {
                        true => "break",
                        false => "holiday",
                    };
                    // All schools have the same.
                    rows.row(row!["", day, kind, why])?;
                }
                Ok(())
            }),
        }
    }
}
