//! Whose certificates are trusted beside those of the system.

use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::Certificate;

/// The authorities in a file (PEM).
///
/// # Errors
/// When there is no certificate in it.
pub(super) fn authorities(ca_file: &Path) -> anyhow::Result<Vec<Certificate>> {
    let name = ca_file.display();
    let pem = std::fs::read(ca_file).with_context(|| format!("cannot read ca_file {name}"))?;
    let authorities = Certificate::from_pem_bundle(&pem)
        .with_context(|| format!("ca_file {name} is no file of PEM"))?;
    ensure!(
        !authorities.is_empty(),
        "ca_file {name} holds no certificate"
    );
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("school.pem");
        let error = authorities(&file).expect_err("there is none").to_string();
        assert!(
            error.contains("cannot read") && error.contains("school.pem"),
            "{error}"
        );
        std::fs::write(&file, "nothing").expect("written");
        let error = authorities(&file).expect_err("no certificate").to_string();
        assert!(error.contains("school.pem"), "{error}");
    }
}
