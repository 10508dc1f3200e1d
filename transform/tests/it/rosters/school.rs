//! A small school, its bundles, and what is stored of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;

/// A school of which everything comes, changes and goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct School {
    /// A name for each user.
    pub users: BTreeMap<u32, u32>,
    /// A title, and the session: one of two, or none.
    pub sections: BTreeMap<u32, (u32, u32)>,
    /// A section, a user, and the last day in September, if any.
    pub enrollments: BTreeMap<u32, (u32, u32, u32)>,
}

/// The files of a bundle.
pub struct Bundle {
    folder: TempDir,
}

impl Bundle {
    fn new(mode: &str, files: &BTreeMap<&'static str, Vec<String>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut manifest =
            "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n".to_owned();
        for (name, rows) in files {
            manifest += &format!("file.{name},{mode}\n");
            let header = header(name);
            let rows = rows.join("\n");
            let text = format!("sourcedId,status,dateLastModified,{header}\n{rows}\n");
            let written = std::fs::write(folder.path().join(format!("{name}.csv")), text);
            written.expect("writes");
        }
        let written = std::fs::write(folder.path().join("manifest.csv"), manifest);
        written.expect("writes");
        Self { folder }
    }

    /// Everything: for each file its rows.
    pub fn bulk(files: impl IntoIterator<Item = (&'static str, Vec<String>)>) -> Self {
        Self::new("bulk", &files.into_iter().collect())
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn header(file: &str) -> &'static str {
    match file {
        "orgs" => "name,type,identifier,parentSourcedId",
        "academicSessions" => "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "classes" => {
            "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
        }
        "users" => {
            "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
        }
        _ => "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    }
}

impl School {
    /// One with so many users, each in a section, or in two.
    pub fn of(users: u32) -> Self {
        let mut school = Self::default();
        for section in 0..4 {
            school.sections.insert(section, (section, section % 3));
        }
        for user in 0..users {
            school.users.insert(user, user);
            school.enrollments.insert(user, (user % 4, user, 0));
        }
        school
    }

    /// For each file its rows by id, without id, status and date.
    fn rows(&self) -> BTreeMap<&'static str, BTreeMap<String, String>> {
        let mut files: BTreeMap<_, BTreeMap<String, String>> = BTreeMap::new();
        let mut add = |file, id: String, rest: String| {
            files.entry(file).or_default().insert(id, rest);
        };
        add("orgs", "high".to_owned(), "High,school,,".to_owned());
        for (session, end) in [("fall", "2026-12-31"), ("spring", "2027-06-30")] {
            let begin = if session == "fall" {
                "2026-08-01"
            } else {
                "2027-01-01"
            };
            let rest = format!("{session},term,{begin},{end},,2027");
            add("academicSessions", session.to_owned(), rest);
        }
        for (key, (title, session)) in &self.sections {
            // The last is no session: such sections have no term.
            let session = ["fall", "spring", "nowhere"][*session as usize % 3];
            let rest = format!("Class {title},,c,,scheduled,,high,{session},,,");
            add("classes", format!("c{key}"), rest);
        }
        for (key, name) in &self.users {
            let rest = format!("true,high,student,user{key},,N{name},Name,,,,,,,,");
            add("users", format!("u{key:04}"), rest);
        }
        for (key, (section, user, day)) in &self.enrollments {
            let end = match day {
                0 => String::new(),
                day => format!("2026-09-{day:02}"),
            };
            let rest = format!("c{section},high,u{user:04},student,,,{end}");
            add("enrollments", format!("e{key:04}"), rest);
        }
        files
    }

    /// Everything.
    pub fn bulk(&self) -> Bundle {
        Bundle::bulk(self.rows().into_iter().map(|(file, rows)| {
            let rows = rows.iter().map(|(id, rest)| format!("{id},,,{rest}"));
            (file, rows.collect())
        }))
    }

    /// What is not as it was, as the source sends it on a day of September; `None` if
    /// all is.
    pub fn delta(&self, before: &Self, day: usize) -> Option<Bundle> {
        let time = format!("2026-09-{day:02}T00:00:00.000Z");
        let (before, after) = (before.rows(), self.rows());
        let nothing = BTreeMap::new();
        let mut files: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for file in before.keys().chain(after.keys()) {
            let old = before.get(file).unwrap_or(&nothing);
            let new = after.get(file).unwrap_or(&nothing);
            let came = new.iter().filter(|(id, rest)| old.get(*id) != Some(rest));
            let came = came.map(|(id, rest)| format!("{id},active,{time},{rest}"));
            let went = old.iter().filter(|(id, _)| !new.contains_key(*id));
            let went = went.map(|(id, rest)| format!("{id},tobedeleted,{time},{rest}"));
            let rows: Vec<_> = came.chain(went).collect();
            if !rows.is_empty() {
                files.insert(*file, rows);
            }
        }
        (!files.is_empty()).then(|| Bundle::new("delta", &files))
    }
}
