//! Which imports count.

use std::collections::BTreeSet;

use lake::imports::{Import, ImportKind};

/// The numbers of the imports whose rows count: those that a rollback took back do not,
/// as if they had never been, nor does the rollback. `imports` begins with the newest.
pub(super) fn effective(imports: &[Import]) -> BTreeSet<u64> {
    let mut effective = BTreeSet::new();
    // Those above were taken back.
    let mut newest = u64::MAX;
    for import in imports.iter().filter(|import| import.number > 0) {
        if import.number > newest {
            continue;
        }
        match import.kind {
            ImportKind::Rollback { to } => newest = to,
            ImportKind::Import | ImportKind::Catalog => {
                effective.insert(import.number);
            }
        }
    }
    effective
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    #[rstest]
    #[case::nothing(&[], &[])]
    #[case::imports_alone(&[None, None], &[1, 2])]
    #[case::the_last_taken_back(&[None, None, Some(1)], &[1])]
    #[case::and_another_after(&[None, None, Some(1), None], &[1, 4])]
    #[case::all_taken_back(&[None, None, Some(0)], &[])]
    #[case::taken_back_and_brought_again(&[None, None, Some(1), Some(2)], &[1, 2])]
    #[case::twice_in_a_row(&[None, None, None, Some(2), Some(1)], &[1])]
    fn what_was_taken_back_does_not_count(#[case] kinds: &[Option<u64>], #[case] expected: &[u64]) {
        let imports = kinds.iter().zip(1..).map(|(kind, number)| Import {
            number,
            id: Uuid::nil(),
            kind: match kind {
                None => ImportKind::Import,
                Some(to) => ImportKind::Rollback { to: *to },
            },
            source: String::new(),
            checksum: None,
            by: String::new(),
            started_at: DateTime::UNIX_EPOCH,
            finished_at: DateTime::UNIX_EPOCH,
            forced: false,
            tables: BTreeMap::new(),
            versions: BTreeMap::new(),
        });
        let mut imports: Vec<_> = imports.collect();
        imports.reverse();
        let found: Vec<_> = effective(&imports).into_iter().collect();
        assert_eq!(found, expected);
    }
}
