//! What the client itself shows: commands, tables, columns, functions, reports.

use super::answer;
use super::catalogue::{Catalogue, Function, Report, Table, Who};
use super::command::HELP;
use super::render::{Looks, Sheet};
use super::settings::{Format, Settings};
use super::sink::Sink;
use super::trouble::Trouble;

/// The commands.
pub fn help() -> Sheet {
    let mut sheet = Sheet::of(["command", "what it does"]);
    let rows = HELP
        .iter()
        .map(|(typed, what)| vec![text(typed), text(what)]);
    sheet.rows = rows.collect();
    sheet
}

/// The tables.
pub fn tables(catalogue: &Catalogue) -> Sheet {
    let mut sheet = Sheet::of(["table", "kind", "description"]);
    let rows = catalogue.tables.iter().map(|table| {
        let kind = match table.kind.as_str() {
            "VIEW" => "view",
            _ => "table",
        };
        vec![
            text(&table.name),
            text(kind),
            Some(first_line(table.description.as_deref())),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

/// The columns of a table.
pub fn columns(table: &Table) -> Sheet {
    let mut sheet = Sheet::of(["column", "type", "class", "description"]);
    let rows = table.columns.iter().map(|column| {
        let class = column.class.clone().unwrap_or_default();
        let description = first_line(column.description.as_deref());
        vec![
            text(&column.name),
            text(&column.data_type),
            Some(class),
            Some(description),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

/// The functions whose name begins so.
pub fn functions(catalogue: &Catalogue, prefix: &str) -> Sheet {
    let mut sheet = Sheet::of(["function", "kind", "description"]);
    let wanted = |function: &&Function| function.name.to_lowercase().starts_with(prefix);
    let rows = catalogue.functions.iter().filter(wanted).map(|function| {
        let syntax = function
            .syntax
            .as_deref()
            .and_then(|syntax| syntax.lines().next());
        let syntax = syntax.unwrap_or(&function.name);
        let description = first_line(function.description.as_deref());
        vec![text(syntax), text(&function.kind), Some(description)]
    });
    sheet.rows = rows.collect();
    sheet
}

/// The reports, and how far each is.
pub fn reports(reports: &[Report]) -> Sheet {
    let mut sheet = Sheet::of(["report", "complete up to", "description"]);
    let rows = reports.iter().map(|report| {
        let moment = match report.recomputing {
            true => text("being computed anew"),
            false => report.data_as_of.clone(),
        };
        vec![
            text(&report.name),
            moment,
            Some(first_line(report.description.as_deref())),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

/// Whom the service takes the asker for.
pub fn who(who: &Who, url: &str) -> Sheet {
    let mut sheet = Sheet::of(["what", "is"]);
    sheet.rows = vec![
        vec![text("service"), text(url)],
        vec![text("tenant"), text(&who.tenant)],
        vec![text("role"), text(&who.role)],
    ];
    let more = who.more.iter().filter(|(_, value)| !value.is_null());
    sheet.rows.extend(more.map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        vec![text(&name.replace('_', " ")), Some(value)]
    }));
    sheet
}

/// There is no such table; perhaps one that is called nearly so.
pub fn no_table(name: &str, catalogue: &Catalogue) -> Trouble {
    let name = name.to_lowercase();
    let near = catalogue.tables.iter().map(|table| table.name.as_str());
    let near = near.filter(|known| known.contains(&name) || name.contains(known));
    let near: Vec<&str> = near.take(5).collect();
    let hint = match near.as_slice() {
        [] => "\\d lists all".to_owned(),
        near => format!("there is {}", near.join(", ")),
    };
    Trouble::Client(format!(
        "there is no table {}: {hint}",
        super::visible::visible(&name)
    ))
}

/// Shows a sheet in the format of the answers; as a table where that is for rows of the
/// service alone.
pub fn show(
    sheet: &Sheet,
    settings: &Settings,
    looks: Looks,
    sink: &mut Sink,
) -> Result<Vec<String>, Trouble> {
    let text = match settings.format {
        Format::Csv => csv(sheet),
        Format::Json => Some(format!("[{}]", objects(sheet).join(","))),
        Format::Ndjson => Some(objects(sheet).join("\n")),
        Format::Table | Format::Markdown | Format::Arrow => None,
    };
    let Some(text) = text else {
        return answer::show(sheet, settings, looks, sink);
    };
    let mut pass = sink.pass();
    let written = pass
        .write(format!("{}\n", text.trim_end()).as_bytes())
        .and_then(|()| pass.finish());
    written.map_err(|error| Trouble::writing(&error))?;
    Ok(Vec::new())
}

fn csv(sheet: &Sheet) -> Option<String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let names = sheet.columns.iter().map(|column| column.name.as_str());
    writer.write_record(names).ok()?;
    for row in &sheet.rows {
        let values = row.iter().map(|value| value.as_deref().unwrap_or_default());
        writer.write_record(values).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

fn objects(sheet: &Sheet) -> Vec<String> {
    let rows = sheet.rows.iter().map(|row| {
        let members = sheet.columns.iter().zip(row).map(|(column, value)| {
            let name = serde_json::Value::from(column.name.as_str());
            format!("{name}:{}", serde_json::Value::from(value.clone()))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    });
    rows.collect()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn first_line(text: Option<&str>) -> String {
    let line = text.and_then(|text| text.lines().next());
    line.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_read_is_whole() {
        let mut sheet = Sheet::of(["a", "b"]);
        sheet.rows = vec![vec![text("x,\"y\"\n"), None]];
        assert_eq!(
            csv(&sheet).as_deref(),
            Some("a,b\r\n\"x,\"\"y\"\"\n\",\r\n")
        );
        assert_eq!(objects(&sheet), [r#"{"a":"x,\"y\"\n","b":null}"#]);
    }

    #[test]
    fn a_table_that_is_not_there_may_be_called_otherwise() {
        let catalogue: Catalogue = serde_json::from_value(serde_json::json!({
            "tables": [{"name": "video"}, {"name": "video_retention"}, {"name": "users"}],
        }))
        .expect("a catalogue");
        let error = no_table("videos", &catalogue).to_string();
        assert_eq!(error, "there is no table videos: there is video");
        let error = no_table("x", &catalogue).to_string();
        assert!(error.contains("\\d lists all"), "{error}");
    }
}
