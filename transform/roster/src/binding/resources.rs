//! What classes, courses and people learn with.

use super::vocabulary::{PRIMARY_OR_SECONDARY, USER_ROLES};
use super::{Column, Extension, File, ID, Kind, MODIFIED, STATUS, id, text};

pub(super) const RESOURCES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("vendorResourceId").required(),
    text("title"),
    Column::new("roles", Kind::Words(USER_ROLES, Extension::Open)),
    Column::new(
        "importance",
        Kind::Word(PRIMARY_OR_SECONDARY, Extension::Closed),
    ),
    text("vendorId"),
    text("applicationId"),
];

pub(super) const CLASS_RESOURCES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title"),
    id("classSourcedId").required().of(File::Classes),
    id("resourceSourcedId").required().of(File::Resources),
];

pub(super) const COURSE_RESOURCES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title"),
    id("courseSourcedId").required().of(File::Courses),
    id("resourceSourcedId").required().of(File::Resources),
];

pub(super) const USER_RESOURCES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("userSourcedId").required().of(File::Users),
    id("orgSourcedId").loosely_of(File::Orgs),
    id("classSourcedId").loosely_of(File::Classes),
    id("resourceSourcedId").required().of(File::Resources),
];
