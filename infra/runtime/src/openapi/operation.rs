//! One thing that can be asked.

use serde_json::{Map, Value, json};

use super::problems::Problems;

/// One thing that can be asked at a path.
#[derive(Debug)]
pub struct Operation {
    /// Where, with the names of its parameters in braces.
    pub path: String,
    /// In small letters.
    pub method: &'static str,
    /// The group that it belongs to.
    pub tag: &'static str,
    /// Its name, for programs.
    pub id: String,
    /// In a few words.
    pub summary: String,
    /// Paragraphs, parted by blank lines.
    pub about: &'static str,
    /// Where its credential may stand; nowhere if it needs none.
    pub keys: &'static [Key],
    /// Parameters of OpenAPI.
    pub parameters: Vec<Value>,
    /// Bodies by media type; the first one is that of the example.
    pub bodies: Vec<Body>,
    /// What it answers when all is well: a status and the response.
    pub answer: (u16, Value),
    /// Another such answer.
    pub mixed: Option<(u16, Value)>,
    /// What else it answers.
    pub refusals: Option<Problems>,
}

/// Where a credential may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Nowhere: it may be left out.
    None,
    /// A write key in `Authorization: Bearer`.
    Bearer,
    /// A write key in `Authorization: Basic`.
    Basic,
    /// A write key in the address.
    Address,
    /// A credential of who asks, in `Authorization: Bearer`.
    Token,
}

impl Key {
    /// What OpenAPI requires where it may stand here.
    fn requirement(self) -> Value {
        match self {
            Self::None => json!({}),
            Self::Bearer => json!({ "bearer": [] }),
            Self::Basic => json!({ "basic": [] }),
            Self::Address => json!({ "address": [] }),
            Self::Token => json!({ "token": [] }),
        }
    }
}

/// A body of one media type.
#[derive(Debug)]
pub struct Body {
    /// Its type, as `Content-Type` names it.
    pub media_type: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
    /// One that is taken.
    pub example: Option<Value>,
}

impl Operation {
    /// Something that is asked without a body and a key.
    pub fn get(path: &str, tag: &'static str, id: &str, summary: &str) -> Self {
        Self {
            path: path.to_owned(),
            method: "get",
            tag,
            id: id.to_owned(),
            summary: summary.to_owned(),
            about: "",
            keys: &[],
            parameters: Vec::new(),
            bodies: Vec::new(),
            answer: (200, json!({ "description": "" })),
            mixed: None,
            refusals: None,
        }
    }

    /// Something that is posted with a write key.
    pub fn post(path: &str, tag: &'static str, id: &str, summary: &str) -> Self {
        Self {
            method: "post",
            keys: &[Key::Bearer],
            ..Self::get(path, tag, id, summary)
        }
    }

    /// The operation as OpenAPI has it.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "tags": [self.tag],
            "operationId": self.id,
            "summary": self.summary,
            "responses": self.responses(),
        });
        if !self.about.is_empty() {
            json["description"] = json!(self.about);
        }
        if !self.parameters.is_empty() {
            json["parameters"] = json!(self.parameters);
        }
        if !self.keys.is_empty() {
            json["security"] = self.keys.iter().map(|key| key.requirement()).collect();
        }
        if !self.bodies.is_empty() {
            let one = |body: &Body| {
                let mut content = json!({ "schema": body.schema });
                if let Some(example) = &body.example {
                    content["example"] = example.clone();
                }
                (body.media_type.to_owned(), content)
            };
            let content: Map<_, _> = self.bodies.iter().map(one).collect();
            json["requestBody"] = json!({ "required": true, "content": content });
        }
        json["x-codeSamples"] = json!([{
            "lang": "Shell", "label": "curl", "source": self.curl(),
        }]);
        json
    }

    fn responses(&self) -> Map<String, Value> {
        let mut responses = Map::new();
        let good = [Some(&self.answer), self.mixed.as_ref()];
        for (status, response) in good.into_iter().flatten() {
            responses.insert(status.to_string(), response.clone());
        }
        let refused = self.refusals.iter().flat_map(Problems::references);
        for (status, reference) in refused {
            responses.insert(status.to_string(), reference);
        }
        responses
    }

    /// How it is asked on a command line.
    fn curl(&self) -> String {
        let method = match self.method {
            "get" => String::new(),
            method => format!(" -X {}", method.to_uppercase()),
        };
        let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let mut path = self.path.clone();
        let mut query = Vec::new();
        let mut lines = Vec::new();
        for parameter in &self.parameters {
            let text = |member: &str| parameter[member].as_str().unwrap_or_default();
            match (text("in"), &parameter["example"]) {
                ("path", example) => {
                    let name = text("name");
                    let unknown = format!("${}", name.to_uppercase());
                    let value = example.as_str().unwrap_or(&unknown);
                    path = path.replace(&format!("{{{name}}}"), value);
                }
                (_, Value::Null) => {}
                ("header", value) => {
                    let value = value.as_str().unwrap_or_default();
                    lines.push(format!("-H '{}: {value}'", text("name")));
                }
                ("query", Value::String(value)) => {
                    query.push(format!("{}={value}", text("name")));
                }
                ("query", value) => query.push(format!("{}={value}", text("name"))),
                _ => {}
            }
        }
        match self.keys.first() {
            Some(Key::Basic) => lines.insert(0, "-u \"$KEY:\"".to_owned()),
            Some(Key::Bearer) => lines.insert(0, "-H \"Authorization: Bearer $KEY\"".to_owned()),
            Some(Key::Token) => lines.insert(0, "-H \"Authorization: Bearer $TOKEN\"".to_owned()),
            Some(Key::None | Key::Address) | None => {}
        }
        if let Some(body) = self.bodies.first() {
            lines.push(format!("-H 'Content-Type: {}'", body.media_type));
            let example = match &body.example {
                Some(Value::String(text)) => quote(text),
                Some(json) => quote(&serde_json::to_string_pretty(json).unwrap_or_default()),
                None => "@file".to_owned(),
            };
            lines.push(format!("--data-binary {example}"));
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let address = format!("$CHALKLINE{path}");
        let mut lines = lines
            .iter()
            .fold(String::new(), |all, line| all + " \\\n  " + line);
        lines.insert_str(0, &format!("curl{method} \"{address}\""));
        lines
    }
}

/// A parameter of the address.
pub fn query(name: &str, about: &str, schema: Value, example: Option<&str>) -> Value {
    let mut parameter = json!({
        "name": name, "in": "query", "required": false, "description": about, "schema": schema,
    });
    if let Some(example) = example {
        parameter["example"] = json!(example);
    }
    parameter
}

/// An answer with JSON.
pub fn answer(about: &str, schema: Value, example: Value) -> Value {
    json!({
        "description": about,
        "content": { "application/json": { "schema": schema, "example": example } },
    })
}

/// A reference to a schema of the document.
pub fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
