//! The views that a PostgreSQL database shows us have the columns of our tables.

use std::collections::BTreeMap;

use roster::Entity;

/// Each ends with these, which are described once.
const OF_ALL: [&str; 3] = ["is_deleted", "modified_at", "watermark"];

const VIEWS: &str = include_str!("../../../../infra/postgres/views.sql");

#[test]
fn every_view_has_the_columns_of_its_table_in_their_order() {
    // PostgreSQL refuses the description of a column that there is not.
    let mut described: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in VIEWS.lines() {
        if let Some(rest) = line.strip_prefix("COMMENT ON COLUMN chalkline.")
            && let Some((view, rest)) = rest.split_once('.')
        {
            let column = rest.split_whitespace().next().unwrap_or_default();
            let column = column.trim_matches('"');
            if !OF_ALL.contains(&column) {
                described.entry(view).or_default().push(column);
            }
        }
    }
    let made: Vec<&str> = VIEWS
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE OR REPLACE VIEW chalkline."))
        .filter_map(|line| line.strip_suffix(" AS"))
        .collect();
    assert!(made.len() > 10, "{made:?}");
    for view in made {
        let entity = Entity::ALL.into_iter().find(|entity| entity.name() == view);
        let entity = entity.unwrap_or_else(|| panic!("{view} is none of our tables"));
        // We make the term of others.
        let fields = entity.fields().iter().map(|field| field.name);
        let fields: Vec<&str> = fields.filter(|name| *name != "term").collect();
        assert_eq!(described.get(view), Some(&fields), "{view}");
    }
}
