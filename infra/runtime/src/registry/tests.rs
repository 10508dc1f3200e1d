use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use rstest::rstest;
use schemas::layout;
use tempfile::TempDir;

use super::*;

/// A folder with a root; registries over it are like separate processes.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn root(&self) -> Root {
        let path = self.0.path().display().to_string();
        Root::open(&path, HashMap::new()).expect("opens")
    }

    fn registry(&self) -> Registry {
        Registry::new(self.root())
    }

    /// A registry to which everything it knows is too old.
    fn impatient_registry(&self) -> Registry {
        let freshness = Freshness {
            fresh: Duration::ZERO,
            ..Freshness::default()
        };
        Registry::build(self.root(), None, freshness)
    }

    fn file(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }
}

fn demo() -> Tenant {
    Tenant::new(TenantId::new("demo").expect("an id"), "Demo")
}

fn key(digit: char) -> MasterKey {
    let text: String = std::iter::repeat_n(digit, 64).collect();
    text.parse().expect("a master key")
}

async fn grow(registry: &Registry, id: &TenantId) -> u32 {
    registry
        .update(id, |tenant| {
            tenant.minimum_cell += 1;
            Ok::<_, Infallible>(tenant.minimum_cell)
        })
        .await
        .expect("an update")
}

#[tokio::test]
async fn a_tenant_is_made_once_and_then_known_to_all() {
    let place = Place::new();
    let tenant = demo();
    let registry = place.registry();
    assert_eq!(registry.tenant(&tenant.id).await.expect("an answer"), None);
    assert!(registry.tenants().await.expect("an answer").is_empty());

    registry.create(&tenant).await.expect("made");
    for registry in [&registry, &place.registry()] {
        let found = registry.tenant(&tenant.id).await.expect("an answer");
        assert_eq!(found.as_deref(), Some(&tenant));
        let ids = registry.tenants().await.expect("an answer");
        assert_eq!(ids, std::slice::from_ref(&tenant.id));
        let again = registry.create(&tenant).await.expect_err("exists");
        assert!(matches!(again, RegistryError::AlreadyExists { .. }));
        assert!(!again.is_retryable());
    }
}

#[tokio::test]
async fn a_creation_that_died_half_way_is_invisible_and_can_be_repeated() {
    let place = Place::new();
    let tenant = demo();
    let died = place.registry();
    died.inner.secrets.make(&tenant.id).await.expect("a secret");
    let secret = died.secret(&tenant.id).await.expect("a secret");

    let registry = place.registry();
    assert_eq!(registry.tenant(&tenant.id).await.expect("an answer"), None);
    assert!(registry.tenants().await.expect("an answer").is_empty());

    let second = place.registry();
    second.create(&tenant).await.expect("made");
    assert!(second.secret(&tenant.id).await.expect("a secret") == secret);
}

#[tokio::test]
async fn a_change_is_seen_by_its_registry_at_once_and_by_others_when_they_look_again() {
    let place = Place::new();
    let tenant = demo();
    let (here, there) = (place.registry(), place.impatient_registry());
    here.create(&tenant).await.expect("made");
    let before = there.tenant(&tenant.id).await.expect("an answer");
    assert_eq!(before.expect("a tenant").minimum_cell, 10);

    assert_eq!(grow(&here, &tenant.id).await, 11);
    for registry in [&here, &there] {
        let after = registry.tenant(&tenant.id).await.expect("an answer");
        assert_eq!(after.expect("a tenant").minimum_cell, 11);
    }
}

#[rstest]
#[case::folder(false)]
#[case::object_store(true)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_registries_lose_no_update(#[case] in_memory: bool) {
    const EACH: u32 = 20;
    let place = Place::new();
    let root = if in_memory {
        Root::in_memory()
    } else {
        place.root()
    };
    let tenant = demo();
    let registries = [Registry::new(root.clone()), Registry::new(root.clone())];
    registries[0].create(&tenant).await.expect("made");
    let again = registries[1].create(&tenant).await.expect_err("exists");
    assert!(matches!(again, RegistryError::AlreadyExists { .. }));

    let tasks: Vec<_> = (0..EACH)
        .flat_map(|_| registries.clone())
        .map(|registry| {
            let id = tenant.id.clone();
            tokio::spawn(async move { grow(&registry, &id).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    answers.sort_unstable();
    let expected: Vec<_> = (11..=10 + 2 * EACH).collect();
    assert_eq!(answers, expected, "each saw a state of its own");

    let reader = Registry::new(root);
    let end = reader.tenant(&tenant.id).await.expect("an answer");
    assert_eq!(end.expect("a tenant").minimum_cell, 10 + 2 * EACH);
    let ids = reader.tenants().await.expect("an answer");
    assert_eq!(ids, std::slice::from_ref(&tenant.id));
    let secrets = (
        reader.secret(&tenant.id).await,
        registries[0].secret(&tenant.id).await,
    );
    assert!(secrets.0.expect("a secret") == secrets.1.expect("a secret"));
}

#[tokio::test]
async fn a_change_may_refuse_or_change_nothing_and_cannot_rename() {
    let place = Place::new();
    let tenant = demo();
    let registry = place.registry();
    registry.create(&tenant).await.expect("made");

    let refused = registry
        .update(&tenant.id, |tenant| {
            tenant.minimum_cell = 1;
            Err::<(), _>(std::io::Error::other("too small"))
        })
        .await;
    assert!(matches!(refused, Err(UpdateError::Refused(_))));
    registry
        .update(&tenant.id, |tenant| {
            tenant.id = TenantId::new("other").expect("an id");
            Ok::<_, Infallible>(())
        })
        .await
        .expect("nothing to do");
    assert!(!place.file(&layout::tenant_version(&tenant.id, 2)).exists());

    let unknown = TenantId::new("unknown").expect("an id");
    let error = registry
        .update(&unknown, |_| Ok::<_, Infallible>(()))
        .await
        .expect_err("unknown");
    assert!(matches!(
        error,
        UpdateError::Registry(RegistryError::UnknownTenant { .. })
    ));
}

#[tokio::test]
async fn a_document_that_cannot_be_read_names_its_version() {
    let place = Place::new();
    let tenant = demo();
    place.registry().create(&tenant).await.expect("made");
    let second = place.file(&layout::tenant_version(&tenant.id, 2));
    std::fs::write(second, r#"{"id":"demo","name":"Demo","colour":1}"#).expect("written");

    let error = place.registry().tenant(&tenant.id).await;
    assert!(matches!(
        error,
        Err(RegistryError::Document { version: 2, .. })
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_secret_and_nothing_is_left_behind() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let tenant = demo();
    place.registry().create(&tenant).await.expect("made");
    let mode = |path: String| {
        let metadata = std::fs::metadata(place.file(&path)).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(layout::tenant_secret(&tenant.id)), 0o600);
    assert_eq!(mode(layout::tenant_version(&tenant.id, 1)) & 0o137, 0);

    let folder = place.file(&layout::tenant_secret(&tenant.id));
    let folder = folder.parent().expect("a folder");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["secret", "versions"]);
}

#[tokio::test]
async fn an_encrypted_secret_opens_only_with_its_master_key() {
    let place = Place::new();
    let tenant = demo();
    let maker = Registry::with_master_key(place.root(), key('1'));
    maker.create(&tenant).await.expect("made");
    let secret = maker.secret(&tenant.id).await.expect("a secret");

    let stored = std::fs::read_to_string(place.file(&layout::tenant_secret(&tenant.id)));
    assert!(
        !stored
            .expect("a file")
            .contains(&hex::encode(secret.as_bytes()))
    );

    let same = Registry::with_master_key(place.root(), key('1'));
    assert!(same.secret(&tenant.id).await.expect("a secret") == secret);
    let none = place.registry().secret(&tenant.id).await;
    assert!(matches!(none, Err(RegistryError::Locked { .. })));
    let other = Registry::with_master_key(place.root(), key('2'));
    let other = other.secret(&tenant.id).await;
    assert!(matches!(other, Err(RegistryError::Secret { .. })));
}

#[tokio::test]
async fn all_processes_sign_with_one_key_which_the_first_makes() {
    let place = Place::new();
    let tenant = demo();
    let registries = [(); 4].map(|()| Registry::with_master_key(place.root(), key('1')));
    registries[0].create(&tenant).await.expect("made");
    let none = registries[0].signing_key(&tenant.id).await;
    assert!(none.expect("an answer").is_none());

    let keys = registries
        .iter()
        .map(|one| one.make_signing_key(&tenant.id));
    let keys = futures::future::try_join_all(keys).await.expect("keys");
    assert!(keys.iter().all(|key| *key == keys[0]));
    let secret = registries[0].secret(&tenant.id).await.expect("a secret");
    assert_ne!(keys[0].as_bytes(), secret.as_bytes());
    let later = Registry::with_master_key(place.root(), key('1'));
    let found = later.signing_key(&tenant.id).await.expect("an answer");
    assert!(found.expect("a key") == keys[0]);

    // Sealed, and not to be taken for the secret.
    let file = place.file(&layout::tenant_signing_key(&tenant.id));
    let stored = std::fs::read_to_string(&file).expect("a file");
    assert!(stored.starts_with("aes-256-gcm:"), "{stored}");
    std::fs::copy(place.file(&layout::tenant_secret(&tenant.id)), &file).expect("copied");
    let other = Registry::with_master_key(place.root(), key('1'));
    let other = other.signing_key(&tenant.id).await;
    assert!(matches!(other, Err(RegistryError::Secret { .. })));
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_does_not_open() {
    let place = Place::new();
    let registry = Registry::with_master_key(place.root(), key('1'));
    let (demo, other) = (demo(), TenantId::new("other").expect("an id"));
    registry.create(&demo).await.expect("made");
    let moved = place.file(&layout::tenant_secret(&other));
    std::fs::create_dir_all(moved.parent().expect("a folder")).expect("a folder");
    std::fs::copy(place.file(&layout::tenant_secret(&demo.id)), moved).expect("copied");

    let secret = registry.secret(&other).await;
    assert!(matches!(secret, Err(RegistryError::Secret { .. })));
}

#[tokio::test]
async fn a_secret_stored_before_there_was_a_master_key_stays_readable() {
    let place = Place::new();
    let tenant = demo();
    let plain = place.registry();
    plain.create(&tenant).await.expect("made");
    let keyed = Registry::with_master_key(place.root(), key('1'));
    let (before, after) = (
        plain.secret(&tenant.id).await,
        keyed.secret(&tenant.id).await,
    );
    assert!(before.expect("a secret") == after.expect("a secret"));

    let unknown = TenantId::new("unknown").expect("an id");
    let missing = keyed.secret(&unknown).await;
    assert!(matches!(missing, Err(RegistryError::UnknownTenant { .. })));
}

/// The same as in a folder, by a server's conditional put.
#[tokio::test(flavor = "multi_thread")]
async fn on_s3_one_creates_and_concurrent_changes_all_survive() {
    let server = seaweed::Server::shared();
    let location = server.new_root();
    // Each with a store of its own, like separate processes.
    let registries: Vec<Registry> = (0..4)
        .map(|_| Registry::new(Root::open(&location, server.options()).expect("opens")))
        .collect();
    let demo = demo();
    let creations = registries.iter().map(|registry| registry.create(&demo));
    let created = futures::future::join_all(creations).await;
    let refused: Vec<_> = created.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 3);
    for error in refused {
        assert!(
            matches!(error, RegistryError::AlreadyExists { .. }),
            "{error:?}"
        );
    }

    let changes = registries.iter().map(async |registry| {
        for _ in 0..3 {
            grow(registry, &demo.id).await;
        }
    });
    futures::future::join_all(changes).await;
    let read = Registry::new(Root::open(&location, server.options()).expect("opens"));
    let tenant = read.tenant(&demo.id).await.expect("answers");
    let tenant = tenant.expect("there is one");
    assert_eq!(tenant.minimum_cell, demo.minimum_cell + 12);
    let tenants = read.tenants().await.expect("lists");
    assert_eq!(tenants, std::slice::from_ref(&demo.id));
    let secrets = [
        read.secret(&demo.id).await.expect("a secret"),
        registries[3].secret(&demo.id).await.expect("a secret"),
    ];
    let hashed = secrets.map(|secret| schemas::StudentHasher::new(&secret).key("stu-1"));
    assert_eq!(hashed[0], hashed[1]);
}

#[tokio::test]
async fn the_versions_of_a_document_stay_and_are_told_in_order() {
    let place = Place::new();
    let registry = place.registry();
    let id = demo().id;
    assert!(registry.versions(&id, 9).await.expect("a list").is_empty());
    registry.create(&demo()).await.expect("created");
    let last = [grow(&registry, &id).await, grow(&registry, &id).await];
    let versions = registry.versions(&id, 2).await.expect("versions");
    let told = versions
        .iter()
        .map(|version| (version.number, version.tenant.minimum_cell));
    assert_eq!(told.collect::<Vec<_>>(), [(2, last[0]), (3, last[1])]);
    assert!(versions[0].written_at <= versions[1].written_at);
    assert_eq!(registry.versions(&id, 9).await.expect("versions").len(), 3);
}

#[tokio::test]
async fn a_version_says_who_wrote_it_and_a_change_of_nothing_is_none() {
    let place = Place::new();
    let (nobody, ann) = (place.registry(), place.registry().changed_by("ann@school"));
    let id = demo().id;
    ann.create(&demo()).await.expect("created");
    grow(&nobody, &id).await;
    grow(&ann, &id).await;
    nobody
        .update(&id, |_| Ok::<_, Infallible>(()))
        .await
        .expect("nothing to do");
    let versions = nobody.versions(&id, 9).await.expect("versions");
    let told = versions
        .iter()
        .map(|version| version.tenant.changed_by.as_deref());
    let ann = Some("ann@school");
    assert_eq!(told.collect::<Vec<_>>(), [ann, None, ann]);
}
