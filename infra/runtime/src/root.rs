//! The root under which tenants, tables and floors lie.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

/// How long a store may take to answer at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A folder on this machine or a prefix of an S3 bucket, opened for reading
/// and writing. Clones share the connections.
#[derive(Clone)]
pub struct Root {
    url: Url,
    store: Arc<dyn ObjectStore>,
    options: HashMap<String, String>,
    local_path: Option<PathBuf>,
}

/// Why a location is no root.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Neither a path nor an understood URL.
    #[error("{location:?} is no location: give a path, file:///path or s3://bucket/prefix")]
    Location {
        /// What was given.
        location: String,
    },
    /// An option that no object store has.
    #[error("{key:?} is not an option of an S3 store (for example AWS_ENDPOINT_URL)")]
    Option {
        /// The option's name.
        key: String,
    },
    /// The folder cannot be made or opened.
    #[error("the folder {} cannot be opened", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The store does not take these options.
    #[error("the store {url} cannot be opened")]
    Store {
        /// The root.
        url: Box<Url>,
        /// What the store says.
        source: object_store::Error,
    },
    /// There is no such bucket.
    #[error("there is no bucket for {url}: make it, or correct the address of the lake")]
    Bucket {
        /// The root.
        url: Box<Url>,
    },
    /// The store does not let us in.
    #[error(
        "the store refuses these credentials for {url} ({code}): check AWS_ACCESS_KEY_ID, \
         AWS_SECRET_ACCESS_KEY and what that key may do with the bucket"
    )]
    Credentials {
        /// The root.
        url: Box<Url>,
        /// The store's code for it.
        code: &'static str,
    },
    /// Nobody answers there.
    #[error(
        "the store of {url} does not answer: check AWS_ENDPOINT_URL, AWS_REGION and, for an \
         http:// endpoint, AWS_ALLOW_HTTP=true"
    )]
    Endpoint {
        /// The root.
        url: Box<Url>,
        /// What the store says; `None` if nothing in time.
        source: Option<object_store::Error>,
    },
}

impl Root {
    /// Opens a root: a path or `file://` URL, whose folder is made if absent,
    /// or `s3://bucket/prefix` with `options` named as deltalake names its
    /// storage options (`AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`, `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, …). Asks the network nothing.
    ///
    /// # Errors
    /// [`RootError`]: the location or an option is not understood, or the
    /// folder cannot be made.
    pub fn open(location: &str, options: HashMap<String, String>) -> Result<Self, RootError> {
        let unknown = || RootError::Location {
            location: location.to_owned(),
        };
        if !location.contains("://") {
            if location.is_empty() {
                return Err(unknown());
            }
            return Self::open_local(Path::new(location), options);
        }
        let url = Url::parse(location).map_err(|_| unknown())?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| unknown())?;
                Self::open_local(&path, options)
            }
            "s3" => {
                let bucket = url.host_str().ok_or_else(unknown)?.to_owned();
                Self::open_s3(&bucket, url, options)
            }
            _ => Err(unknown()),
        }
    }

    fn open_local(path: &Path, options: HashMap<String, String>) -> Result<Self, RootError> {
        let folder = |source| RootError::Folder {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(folder)?;
        let path = path.canonicalize().map_err(folder)?;
        let url = Url::from_directory_path(&path).map_err(|()| RootError::Location {
            location: path.display().to_string(),
        })?;
        let store = LocalFileSystem::new_with_prefix(&path).map_err(|source| RootError::Store {
            url: Box::new(url.clone()),
            source,
        })?;
        Ok(Self {
            url,
            store: Arc::new(store),
            options,
            local_path: Some(path),
        })
    }

    fn open_s3(
        bucket: &str,
        mut url: Url,
        options: HashMap<String, String>,
    ) -> Result<Self, RootError> {
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let mut builder = AmazonS3Builder::new();
        for (key, value) in &options {
            let option: AmazonS3ConfigKey = key
                .to_ascii_lowercase()
                .parse()
                .map_err(|_| RootError::Option { key: key.clone() })?;
            builder = builder.with_config(option, value);
        }
        let bucket =
            builder
                .with_bucket_name(bucket)
                .build()
                .map_err(|source| RootError::Store {
                    url: Box::new(url.clone()),
                    source,
                })?;
        let prefix = url.path().trim_matches('/');
        let store: Arc<dyn ObjectStore> = if prefix.is_empty() {
            Arc::new(bucket)
        } else {
            Arc::new(PrefixStore::new(bucket, prefix))
        };
        Ok(Self {
            url,
            store,
            options,
            local_path: None,
        })
    }

    /// Asks the store whether it answers, knows us and has the place.
    ///
    /// # Errors
    /// [`RootError`] names what to check.
    pub async fn check(&self) -> Result<(), RootError> {
        let url = || Box::new(self.url.clone());
        let mut listing = self.store.list(None);
        let first = tokio::time::timeout(ANSWER_WITHIN, listing.next()).await;
        let error = match first {
            Ok(Some(Err(error))) => error,
            Ok(_) => return Ok(()),
            Err(_) => {
                let (url, source) = (url(), None);
                return Err(RootError::Endpoint { url, source });
            }
        };
        Err(RootError::of_store(url(), error))
    }

    /// A root with an object store's habits that lives in memory.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self {
            url: Url::parse("memory:///").expect("a URL"),
            store: Arc::new(object_store::memory::InMemory::new()),
            options: HashMap::new(),
            local_path: None,
        }
    }

    /// Where it is; ends with `/`, so that `url().join("demo/video")` lies below it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store; its paths, those of [`schemas::layout`], are relative to the root.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Makes the folder of a file, where the root is one of this machine: for its user and
    /// group only, since names of learners will lie there. One that is there stays as it is.
    ///
    /// # Errors
    /// What the system says.
    pub async fn make_private_folder(&self, file: &str) -> std::io::Result<()> {
        let Some(folder) = self.local_path() else {
            return Ok(());
        };
        let file = folder.join(file);
        let made = tokio::task::spawn_blocking(move || {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o770);
            builder.create(file.parent().unwrap_or(Path::new(".")))
        });
        made.await?
    }

    /// The options it was opened with, for others who open the same place.
    pub fn options(&self) -> &HashMap<String, String> {
        &self.options
    }

    /// The folder, when it is one of this machine.
    pub fn local_path(&self) -> Option<&Path> {
        self.local_path.as_deref()
    }
}

impl RootError {
    /// What to check, by the code in the store's answer: a listing's errors are
    /// not told apart otherwise.
    fn of_store(url: Box<Url>, source: object_store::Error) -> Self {
        const CREDENTIALS: [&str; 4] = [
            "AccessDenied",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
        ];
        let mut answer = source.to_string();
        let mut cause = std::error::Error::source(&source);
        while let Some(error) = cause {
            answer.push_str(&error.to_string());
            cause = error.source();
        }
        let refusal = CREDENTIALS.into_iter().find(|code| answer.contains(code));
        if answer.contains("NoSuchBucket") {
            Self::Bucket { url }
        } else if let Some(code) = refusal {
            Self::Credentials { url, code }
        } else {
            let source = Some(source);
            Self::Endpoint { url, source }
        }
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the options: they hold the keys of the store.
        f.debug_tuple("Root").field(&self.url.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn s3(key: &str, value: &str) -> HashMap<String, String> {
        HashMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_folder_is_made_and_named_alike_by_path_and_url() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("a b/lake");
        let by_path = Root::open(&path.display().to_string(), HashMap::new()).expect("opens");
        let by_url = Root::open(by_path.url().as_str(), HashMap::new()).expect("opens");
        assert!(path.is_dir());
        assert_eq!(by_path.url(), by_url.url());
        assert!(by_path.url().as_str().ends_with("/a%20b/lake/"));
        assert_eq!(by_path.local_path(), by_url.local_path());
    }

    #[test]
    fn an_s3_root_ends_with_a_slash_and_does_not_show_its_keys() {
        let mut options = s3("AWS_SECRET_ACCESS_KEY", "hidden");
        options.insert("AWS_ACCESS_KEY_ID".to_owned(), "hidden".to_owned());
        let root = Root::open("s3://bucket/some/prefix", options).expect("opens");
        assert_eq!(root.url().as_str(), "s3://bucket/some/prefix/");
        assert_eq!(root.local_path(), None);
        assert!(!format!("{root:?}").contains("hidden"));
    }

    fn s3_root(location: &str, changed: &[(&str, String)]) -> Root {
        let mut options = seaweed::Server::shared().options();
        options.extend(changed.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
        Root::open(location, options).expect("opens")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_cannot_be_used_is_told_with_what_to_check() {
        let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = unused.local_addr().expect("it is bound");
        drop(unused);
        s3_root("s3://lake/checked", &[])
            .check()
            .await
            .expect("answers");
        let cases = [
            (
                "s3://no-such-bucket",
                "",
                String::new(),
                "there is no bucket",
            ),
            (
                "s3://lake",
                "AWS_SECRET_ACCESS_KEY",
                "wrong".to_owned(),
                "AWS_ACCESS_KEY_ID",
            ),
            (
                "s3://lake",
                "AWS_ENDPOINT_URL",
                format!("http://{address}"),
                "AWS_ENDPOINT_URL",
            ),
        ];
        for (location, option, value, named) in cases {
            let changed: Vec<_> = (!option.is_empty())
                .then_some((option, value))
                .into_iter()
                .collect();
            let refused = s3_root(location, &changed).check().await;
            let error = refused.expect_err("cannot be used").to_string();
            assert!(error.contains(named), "{named}: {error}");
        }
    }

    #[rstest]
    #[case::empty("", HashMap::new())]
    #[case::scheme("gs://bucket/prefix", HashMap::new())]
    #[case::other_host("file://host/path", HashMap::new())]
    #[case::no_bucket("s3:///prefix", HashMap::new())]
    #[case::option("s3://bucket", s3("AWS_REGOIN", "eu-west-1"))]
    fn what_cannot_be_a_root_is_refused(
        #[case] location: &str,
        #[case] options: HashMap<String, String>,
    ) {
        let error = Root::open(location, options).expect_err("refused");
        assert!(
            matches!(error, RootError::Location { .. } | RootError::Option { .. }),
            "{error}"
        );
    }
}
