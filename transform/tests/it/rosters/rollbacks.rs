use schemas::{Table, roster::Entity};
use transform::roster::{ImportKind, JobState, RosterError};

use super::lake::{Stored, silent};
use super::school::School;

#[tokio::test(flavor = "multi_thread")]
async fn going_back_restores_exactly_and_is_in_the_history_itself() {
    let stored = Stored::new().await;
    let mut school = School::of(12);
    let mut states = vec![stored.current().await];
    stored.import(&school.bulk()).await;
    states.push(stored.current().await);

    let before = school.clone();
    school.users.insert(1, 40);
    school.users.insert(30, 30);
    school.enrollments.remove(&2);
    school.enrollments.insert(3, (3, 3, 12));
    school.sections.insert(1, (1, 0));
    let delta = school.delta(&before, 20).expect("something");
    stored.import(&delta).await;
    states.push(stored.current().await);
    let history = stored.history().await;

    // To before the newest.
    let back = stored.rollback(None).await;
    assert_eq!((back.state, back.import), (JobState::Done, Some(3)));
    assert_eq!(back.kind, ImportKind::Rollback { to: 1 });
    assert_eq!(stored.current().await, states[1]);
    let rollback = stored.newest().await.expect("an import");
    assert_eq!(rollback.kind, ImportKind::Rollback { to: 1 });
    assert_eq!(rollback.tables["users"].ended, 1);
    let longer = stored.history().await;
    for (table, rows) in &history {
        assert!(
            rows.iter().all(|row| longer[table].contains(row)),
            "{table}"
        );
    }
    let users = &longer["users_history"];
    assert!(users.contains(&"u0030|2|added".to_owned()));
    assert!(users.contains(&"u0030|3|ended".to_owned()));

    // Back once more is forth again; and to any number, also before the first.
    stored.rollback(None).await;
    assert_eq!(stored.current().await, states[2]);
    for to in [1, 0, 2, 0, 3] {
        stored.rollback(Some(to)).await;
        let expected = [0, 1, 2, 1][usize::try_from(to).expect("small")];
        assert_eq!(stored.current().await, states[expected], "to {to}");
    }
    assert_eq!(stored.rollback(Some(1)).await.state, JobState::Unchanged);

    // And imports go on from there.
    stored.import(&delta).await;
    assert_eq!(stored.current().await, states[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_way_back_to_what_never_was() {
    let stored = Stored::new().await;
    let back = |to| {
        stored
            .importer
            .rollback(&stored.tenant, to, "tests", silent())
    };
    let nothing = back(None).await.expect_err("nothing was imported");
    assert!(matches!(nothing, RosterError::NothingImported));
    stored.import(&School::of(2).bulk()).await;
    let unknown = back(Some(2)).await.expect_err("there is no import 2");
    assert!(matches!(unknown, RosterError::NoImport(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_by_going_back_has_a_last_day() {
    let stored = Stored::new().await;
    let mut school = School::of(2);
    stored.import(&school.bulk()).await;
    school.users.insert(7, 7);
    stored.import(&school.bulk()).await;
    stored.rollback(None).await;
    let sql = "SELECT valid_to FROM users_history WHERE change = 'ended'";
    let ended = stored
        .ask(&[Table::RosterHistory(Entity::Users)], sql)
        .await;
    assert_eq!(ended, ["2026-10-01"]);
}
