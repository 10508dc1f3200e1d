//! Who runs a command, for the records of what it changes.

use std::env;

/// On whose behalf a command is run, where the system knows only a deployment's account.
const ADMIN: &str = "CHALKLINE_ADMIN";
/// Who called sudo.
const SUDO_USER: &str = "SUDO_USER";

/// Who runs this process: `user@host`, with the user by whose rights it acts. Before them
/// stands who called sudo, and first on whose behalf `CHALKLINE_ADMIN` says that it is
/// run: `Ann Lee as ann as chalkline@db1`. What the system does not tell is `unknown`.
pub(crate) fn whoever() -> String {
    let unknown = |_| "unknown".to_owned();
    let behind = [ADMIN, SUDO_USER].map(env::var);
    let user = whoami::fallible::username().unwrap_or_else(unknown);
    let host = whoami::fallible::hostname().unwrap_or_else(unknown);
    told(behind.into_iter().flatten(), user, &host)
}

fn told(behind: impl Iterator<Item = String>, user: String, host: &str) -> String {
    let mut names: Vec<_> = behind.chain([user]).collect();
    names.retain(|name| !name.trim().is_empty());
    names.dedup();
    format!("{}@{host}", names.join(" as "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], "ann@db1")]
    #[case(&["ann"], "ann@db1")]
    #[case(&["", "root"], "root as ann@db1")]
    #[case(&["Bo Ek", "root"], "Bo Ek as root as ann@db1")]
    fn whose_rights_they_are_stands_last(#[case] behind: &[&str], #[case] expected: &str) {
        let behind = behind.iter().map(|name| (*name).to_owned());
        assert_eq!(told(behind, "ann".to_owned(), "db1"), expected);
    }
}
