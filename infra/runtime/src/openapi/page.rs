//! The page at `/docs`, made of the document: one file that loads nothing and runs
//! nothing.

mod html;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use self::html::{
    Row, code, details, escape, inline, list, paragraphs, pre, slug, table, takes, text,
};

const STYLE: &str = include_str!("../../web/docs.css");
const ICON: &str = include_str!("../../web/icon.svg");

/// Longer tables of parameters are shown when they are asked for.
const SHORT: usize = 12;

/// The methods in the order of the page.
const METHODS: [&str; 4] = ["post", "put", "get", "delete"];

/// What a browser may do with the page: show it with its own style, and nothing else.
pub fn policy() -> String {
    let digest = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page that tells all that the document does.
pub fn render(document: &Value) -> String {
    let tags: Vec<&Value> = list(&document["tags"]).collect();
    let nav = |name: &str| format!("<a href=\"#{}\">{}</a>", slug(name), escape(name));
    let mut links: Vec<String> = tags.iter().map(|tag| nav(text(&tag["name"]))).collect();
    let types = types(document);
    links.push(nav("Codes"));
    links.extend((!types.is_empty()).then(|| nav("Types")));
    let groups: String = tags.iter().map(|tag| group(document, tag)).collect();
    let title = escape(text(&document["info"]["title"]));
    let icon = STANDARD.encode(ICON);
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,{icon}">
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<p class="brand"><img src="data:image/svg+xml;base64,{icon}" alt="" width="24" height="24"> Chalkline <span>{version}</span></p>
<nav aria-label="Groups">{links}</nav>
</header>
<main id="content">
<section class="card"><h1>{title}</h1>{about}<p>For programs: <a href="/openapi.json">/openapi.json</a></p></section>
{groups}
{codes}
{types}
</main>
</body>
</html>
"##,
        version = escape(text(&document["info"]["version"])),
        links = links.concat(),
        about = paragraphs(text(&document["info"]["description"])),
        codes = codes(document),
    )
}

/// A group of operations.
fn group(document: &Value, tag: &Value) -> String {
    let name = text(&tag["name"]);
    let mut operations = String::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let asked = &methods[method];
            if list(&asked["tags"]).any(|of| of == name) {
                operations += &operation(document, path, method, asked);
            }
        }
    }
    format!(
        "<section class=\"card\" id=\"{}\"><h2>{}</h2>{}{operations}</section>\n",
        slug(name),
        escape(name),
        paragraphs(text(&tag["description"])),
    )
}

fn operation(document: &Value, path: &str, method: &str, asked: &Value) -> String {
    let mut parts = paragraphs(text(&asked["description"]));
    parts += &keys(document, asked);
    parts += &parameters(asked);
    parts += &bodies(asked);
    for sample in list(&asked["x-codeSamples"]) {
        parts += &pre(text(&sample["source"]));
    }
    parts += &answers(document, asked);
    format!(
        "<article id=\"{id}\"><h3><span class=\"method {method}\">{upper}</span> {path} \
         <small>{summary}</small></h3>{parts}</article>\n",
        id = escape(text(&asked["operationId"])),
        upper = method.to_uppercase(),
        path = code(path),
        summary = escape(text(&asked["summary"])),
    )
}

fn keys(document: &Value, asked: &Value) -> String {
    let schemes = &document["components"]["securitySchemes"];
    let ways: Vec<String> = list(&asked["security"])
        .filter_map(Value::as_object)
        .flat_map(|scheme| scheme.keys())
        .map(|name| inline(text(&schemes[name]["description"])))
        .collect();
    match ways.as_slice() {
        [] => String::new(),
        _ if list(&asked["security"]).any(|way| way.as_object().is_some_and(Map::is_empty)) => {
            format!(
                "<p class=\"key\"><b>Credential, if any</b> {}</p>",
                ways.join(" ")
            )
        }
        [way] => format!("<p class=\"key\"><b>Credential</b> {way}</p>"),
        ways => format!(
            "<p class=\"key\"><b>Credential, one of</b> {}</p>",
            ways.join(" ")
        ),
    }
}

fn parameters(asked: &Value) -> String {
    let rows: Vec<Row> = list(&asked["parameters"])
        .map(|parameter| {
            let needed = parameter["required"] == true;
            let place = text(&parameter["in"]);
            Row::new([
                code(text(&parameter["name"])),
                format!("{}{place}", if needed { "needed, " } else { "" }),
                inline(text(&parameter["description"])),
            ])
        })
        .collect();
    let count = rows.len();
    let all = table(["Parameter", "Where", "What it says"], rows);
    match count <= SHORT {
        true => all,
        false => details(&format!("{count} parameters"), &all),
    }
}

fn bodies(asked: &Value) -> String {
    let content = asked["requestBody"]["content"].as_object();
    let types: Vec<String> = content
        .into_iter()
        .flatten()
        .map(|(name, _)| code(name))
        .collect();
    if types.is_empty() {
        return String::new();
    }
    format!("<p class=\"key\"><b>Body</b> {}</p>", types.join(", "))
}

/// What it answers, and the codes of each problem.
fn answers(document: &Value, asked: &Value) -> String {
    let mut rows = Vec::new();
    for (status, told) in asked["responses"].as_object().into_iter().flatten() {
        let response = resolve(document, told);
        let codes = examples(response)
            .map(|(name, _)| format!("<a href=\"#code-{0}\">{1}</a>", slug(name), code(name)));
        let mut what = inline(text(&response["description"]));
        let codes: Vec<String> = codes.collect();
        if !codes.is_empty() {
            what += &format!("<span class=\"codes\">{}</span>", codes.join(" "));
        }
        rows.push(Row::new([code(status), what]));
    }
    let good = asked["responses"].as_object().into_iter().flatten();
    let example = good
        .flat_map(|(_, response)| response["content"].as_object().into_iter().flatten())
        .find_map(|(_, content)| content.get("example"));
    let example = example.map_or_else(String::new, |example| {
        let shown = match example {
            Value::String(text) => text.clone(),
            json => serde_json::to_string_pretty(json).unwrap_or_default(),
        };
        details("An answer", &pre(&shown))
    });
    format!(
        "{}{example}",
        table(["Status", "When, and what to do"], rows)
    )
}

/// All codes: those of requests, and those of events.
fn codes(document: &Value) -> String {
    let mut of_requests: Vec<(String, Row)> = Vec::new();
    let responses = document["components"]["responses"].as_object();
    for (_, response) in responses.into_iter().flatten() {
        for (name, example) in examples(response) {
            let problem = &example["value"];
            let status = problem["status"].to_string();
            let detail = inline(text(&problem["detail"]));
            let row = Row::new([code(name), status.clone(), detail])
                .with_id(&format!("code-{}", slug(name)));
            of_requests.push((format!("{name} {status}"), row));
        }
    }
    of_requests.sort_by(|a, b| a.0.cmp(&b.0));
    of_requests.dedup_by(|a, b| a.0 == b.0);
    let mut seen = BTreeSet::new();
    let of_requests = of_requests
        .into_iter()
        .map(|(_, row)| row.unique(&mut seen));
    let of_requests = of_requests.collect();
    let of_events = list(&document["components"]["schemas"]["EventCode"]["oneOf"])
        .map(|reason| {
            let about = inline(text(&reason["description"]));
            Row::new([code(text(&reason["const"])), about])
        })
        .collect();
    format!(
        "<section class=\"card\" id=\"codes\"><h2>Codes</h2>{}{}</section>",
        titled(
            "Of requests",
            table(["Code", "Status", "What to do, for example"], of_requests)
        ),
        titled("Of events", table(["Code", "What it means"], of_events)),
    )
}

/// A table under its heading, if it has rows.
fn titled(heading: &str, table: String) -> String {
    match table.is_empty() {
        true => table,
        false => format!("<h3>{}</h3>{table}", escape(heading)),
    }
}

/// All types of events, each with what its data takes; nothing where there are none.
fn types(document: &Value) -> String {
    let schemas = document["components"]["schemas"].as_object();
    let mut all = String::new();
    for (name, schema) in schemas
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.contains('.'))
    {
        let members = schema["properties"]["data"]["properties"].as_object();
        let rows = members
            .into_iter()
            .flatten()
            .filter(|(_, member)| member["type"] != "null")
            .map(|(name, member)| {
                let about = inline(text(&member["description"]));
                Row::new([code(name), takes(member), about])
            })
            .collect();
        let link = format!(
            "<p><a href=\"/v1/schemas/{0}\">Its JSON Schema</a></p>",
            escape(name)
        );
        let members = table(["Member of data", "Takes", "What it says"], rows);
        all += &details(name, &format!("{link}{members}"));
    }
    if all.is_empty() {
        return all;
    }
    format!(
        "<section class=\"card\" id=\"types\"><h2>Types</h2><p>Of events, with what their \
         <code>data</code> takes. Members that are not listed are kept.</p>{all}</section>"
    )
}

/// The examples of a problem, by code.
fn examples(response: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let problem = &response["content"][schemas::Problem::MEDIA_TYPE];
    problem["examples"].as_object().into_iter().flatten()
}

/// What a reference names, or the value itself.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix('#'));
    pointer.map_or(value, |pointer| document.pointer(pointer).unwrap_or(value))
}
