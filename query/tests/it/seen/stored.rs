//! Tables as they are stored: as their steward sees them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::school::School;

/// What a column can tell about people, the most first.
pub const CLASSES: [&str; 4] = ["personal", "key", "record", "plain"];

/// A table with all of its rows.
pub struct Stored {
    pub name: String,
    /// Its columns, in order, each with what it tells about people.
    pub columns: Vec<(String, String)>,
    pub rows: Vec<Value>,
    /// Where a row is, by its text.
    places: HashMap<String, usize>,
}

impl Stored {
    /// All tables that there are.
    pub async fn all(school: &School) -> Vec<Self> {
        let sql = "SELECT table_name, column_name, class FROM column_classes";
        let mut classes: BTreeMap<String, HashMap<String, String>> = BTreeMap::new();
        for row in school
            .ask_as("steward", sql)
            .await
            .rows()
            .as_array()
            .expect("rows")
        {
            let text = |column: &str| row[column].as_str().expect("a text").to_owned();
            let columns = classes.entry(text("table_name")).or_default();
            columns.insert(text("column_name"), text("class"));
        }
        let mut tables = Vec::new();
        for (name, classes) in classes {
            tables.push(Self::read(school, name, &classes).await);
        }
        tables
    }

    async fn read(school: &School, name: String, classes: &HashMap<String, String>) -> Self {
        let sql = format!("SELECT * FROM {name}");
        let answer = school.ask_as("steward", &sql).await;
        let Value::Array(rows) = answer.rows() else {
            panic!("no rows: {}", answer.text());
        };
        for row in &rows {
            let mut values = row.as_object().expect("a row").values();
            assert!(!values.any(is_pseudonym), "{name} has {row}");
        }
        let columns = answer.json()["columns"].take();
        let columns = columns.as_array().expect("columns").iter();
        let columns: Vec<(String, String)> = columns
            .map(|column| column["name"].as_str().expect("a name").to_owned())
            .map(|column| (column.clone(), classes[&column].clone()))
            .collect();
        let texts = rows.iter().map(Value::to_string).zip(0..);
        Self {
            places: texts.collect(),
            name,
            columns,
            rows,
        }
    }

    /// The row that somebody sees as this one, of those that they may see.
    pub fn row_of(&self, seen: &Value, may_see: impl Fn(&Value) -> bool) -> Option<&Value> {
        let same = self.places.get(&seen.to_string());
        let same = same.map(|place| &self.rows[*place]);
        if let Some(same) = same.filter(|&row| may_see(row)) {
            return Some(same);
        }
        self.rows.iter().find(|&row| {
            let mut columns = self.columns.iter();
            may_see(row)
                && columns.all(|(column, _)| {
                    let value = &seen[column];
                    value.is_null() || is_pseudonym(value) || *value == row[column]
                })
        })
    }

    /// The names of columns with those of a class in one word, where all of it are among
    /// them.
    pub fn in_words(&self, columns: &BTreeSet<&str>) -> String {
        let mut words: Vec<String> = Vec::new();
        for class in CLASSES {
            let all = self.of_class(class);
            let told = all
                .iter()
                .copied()
                .filter(|column| columns.contains(column));
            let told: Vec<&str> = told.collect();
            match told.len() > 1 && told.len() == all.len() {
                true => words.push(format!("all {class}")),
                false => words.extend(told.into_iter().map(str::to_owned)),
            }
        }
        words.join(" ")
    }

    /// The names of the columns that tell so much.
    pub fn of_class(&self, class: &str) -> Vec<&str> {
        let columns = self.columns.iter().filter(|(_, of)| of == class);
        columns.map(|(column, _)| column.as_str()).collect()
    }
}

/// Whether a value can stand for an identifier: none that is stored looks so.
pub fn is_pseudonym(value: &Value) -> bool {
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    let text = value.as_str();
    text.is_some_and(|text| text.len() == 32 && text.bytes().all(is_digit))
}
