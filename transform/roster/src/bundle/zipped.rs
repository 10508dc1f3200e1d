//! The entries of a zip file, refused where they are no files of a bundle.

use zip::ZipArchive;

use super::{Entry, Limits, Source, is_litter};
use crate::error::BundleError;

/// Below this size a file may inflate as it likes.
const SMALL: u64 = 1 << 20;

pub(super) fn entries(
    archive: &ZipArchive<Box<dyn Source>>,
    limits: &Limits,
) -> Result<Vec<(String, Entry)>, BundleError> {
    if archive.len() > limits.files {
        return Err(BundleError::TooManyFiles(limits.files));
    }
    let mut total = 0_u64;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(BundleError::NotZip)?;
        let name = entry.name().map_err(|_| BundleError::Path)?.into_owned();
        if leads_out(&name) {
            return Err(BundleError::Path);
        }
        if entry.is_dir() || is_litter(&name) {
            continue;
        }
        if entry.is_symlink() {
            return Err(BundleError::Link(name));
        }
        if entry.encrypted() {
            return Err(BundleError::Encrypted(name));
        }
        total = total.saturating_add(entry.size());
        if entry.size() > limits.file_bytes || total > limits.total_bytes {
            let limit = limits.file_bytes.min(limits.total_bytes);
            return Err(BundleError::TooLarge { name, limit });
        }
        let most = entry.compressed_size().saturating_mul(limits.ratio);
        if entry.size() > SMALL && entry.size() > most {
            return Err(BundleError::Bomb(name));
        }
        entries.push((name, Entry::Index(index)));
    }
    Ok(entries)
}

/// Whether a name is absolute, climbs, or is one only to some systems.
fn leads_out(name: &str) -> bool {
    name.starts_with('/')
        || name.contains(['\\', ':', '\0'])
        || name.split('/').any(|part| part == "..")
}
