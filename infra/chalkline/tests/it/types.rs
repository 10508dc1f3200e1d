use serde_json::json;

use crate::{Folder, stderr};

#[test]
fn types_are_registered_shown_replaced_and_removed() {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "North High"]);
    let listed = folder.run(&["type", "list", "--tenant", "north-high"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.contains("no types of its own"), "{text}");

    let register = |schema: &str, more: &[&str]| {
        let file = folder.write("schema.json", schema);
        let said = [
            "type",
            "register",
            "--tenant",
            "north-high",
            "custom.lab.opened",
        ];
        folder.run(&[&said[..], &[&file, "--json"], more].concat())
    };
    let schema = json!({"type": "object", "required": ["station"]});
    let first = register(&schema.to_string(), &["--description", "A lab was opened"]);
    assert!(first.status.success(), "{}", stderr(&first));
    let shown = folder.json(&[
        "type",
        "show",
        "--tenant",
        "north-high",
        "custom.lab.opened",
    ]);
    assert_eq!(shown["schema"], schema);
    let second = register("{}", &[]);
    let text = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(text.contains(r#""replaced":true"#), "{text}");
    let listed = folder.json(&["type", "list", "--tenant", "north-high"]);
    assert_eq!(listed["types"][0]["schema"], json!({}));
    assert_eq!(listed["types"][0]["description"], "A lab was opened");

    for (schema, told) in [
        ("{", "is not JSON"),
        ("7", "a schema is a JSON object"),
        (r#"{"type": "strin"}"#, "no JSON Schema that can be used"),
        (
            r#"{"$ref": "https://example.com/s.json"}"#,
            "no JSON Schema that can be used",
        ),
        (
            r#"{"properties": {"a": {"pattern": "(?=b)"}}}"#,
            "no JSON Schema that can be used",
        ),
    ] {
        let refused = register(schema, &[]);
        assert!(!refused.status.success());
        assert!(
            stderr(&refused).contains(told),
            "{schema}: {}",
            stderr(&refused)
        );
    }
    let refused = folder.run(&[
        "type",
        "register",
        "--tenant",
        "north-high",
        "lab.opened",
        "x",
    ]);
    assert!(
        stderr(&refused).contains("custom.lab.opened"),
        "{}",
        stderr(&refused)
    );

    folder.json(&[
        "type",
        "remove",
        "--tenant",
        "north-high",
        "custom.lab.opened",
    ]);
    let again = folder.run(&[
        "type",
        "remove",
        "--tenant",
        "north-high",
        "custom.lab.opened",
    ]);
    assert!(
        stderr(&again).contains("has no type custom.lab.opened"),
        "{}",
        stderr(&again)
    );
}
