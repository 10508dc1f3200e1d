use super::Sandbox;

impl Sandbox {
    /// Simulates a school of so many students in its folder, with two days of events: a
    /// roster of that version of OneRoster, the same a week later, what has changed, and
    /// a catalogue. The path of their folder.
    pub fn school(&self, students: &str, version: &str) -> String {
        let out = self.path(&format!("school-{students}"));
        let year = [
            "--year",
            "2024",
            "--from",
            "2024-09-16",
            "--until",
            "2024-09-17",
        ];
        let school = ["simulate", "school", "--students", students];
        let how = ["--oneroster", version, "--out", &out];
        self.cli(&[&school[..], &year, &how].concat());
        out
    }
}
