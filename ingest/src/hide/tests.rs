use rstest::rstest;
use schemas::{Tenant, TenantId, TenantSecret};

use super::*;
use crate::identity::People;
use crate::spelling::STEPS;

fn person(actor: &str) -> Rc<Person> {
    let mut tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
    tenant.actor_prefixes = vec!["https://lms.example/users/".to_owned()];
    People::new(&tenant, &TenantSecret::from_bytes([1; 32])).person(actor)
}

fn hidden(person: &Rc<Person>, text: &str, purpose: Purpose) -> Option<String> {
    Named::new(std::slice::from_ref(person)).hidden(text, purpose)
}

#[rstest]
#[case(
    "stu-1041",
    "see stu-1041's page: /u/stu-1041",
    "see KEY's page: /u/KEY"
)]
#[case(
    "https://lms.example/users/anna",
    "https://lms.example/users/anna/inbox",
    "KEY/inbox"
)]
#[case("https://lms.example/users/anna", "?user=anna", "?user=KEY")]
#[case("mailto:ann@school.example", "?u=ann%40school.example", "?u=KEY")]
#[case("1041", "/users/1041/edit", "/users/KEY/edit")]
#[case("1041", "/things/21041 or 10412", "/things/21041 or 10412")]
#[case(
    "anna",
    "savannah, hosanna, Anna's, _anna_",
    "savannah, hosanna, KEY's, _KEY_"
)]
#[case("anna", "annabel anna-bel", "annabel KEY-bel")]
#[case("stu-104", "stu-1041 or stu-104", "stu-1041 or KEY")]
#[case("a b@c.example", "a+b%40c.example a%20b%2540c.example", "KEY KEY")]
#[case("a+b@c.example", "a+b@c.example a%2bb%40c.example", "KEY KEY")]
#[case(
    "mailto:Ann@School.example",
    "ann@school.example ANN@SCHOOL.EXAMPLE",
    "KEY KEY"
)]
#[case(
    "J\u{fc}rgen",
    "?u=J%C3%BCrgen&v=J%c3%bcrgen \\u00fc",
    "?u=KEY&v=KEY \\u00fc"
)]
#[case("SCHOOL\\nina", "SCHOOL\\nina [\"SCHOOL\\\\nina\"]", "KEY [\"KEY\"]")]
#[case("王小明", "由王小明写", "由KEY写")]
#[case("100%ff", "100%ff", "KEY")]
#[case("ann", "/u/ann/x?of=ann#ann", "/u/KEY/x?of=KEY#KEY")]
#[case("ann", "ann and ann", "ann and ann")]
#[case("7", "/u/7/x", "/u/7/x")]
#[case("7", "7", "KEY")]
#[case("7", "a 7 in a text", "a 7 in a text")]
#[case("abc", "xabcx", "xabcx")]
#[case("stu-1041", "nothing", "nothing")]
fn free_text_loses_the_person(#[case] actor: &str, #[case] text: &str, #[case] kept: &str) {
    let person = person(actor);
    let key = person.key.to_string();
    let found = hidden(&person, text, Purpose::Free);
    let found = found.map_or(text.to_owned(), |found| found.replace(&key, "KEY"));
    assert_eq!(found, kept);
}

#[test]
fn identifiers_keep_numbers_that_count_things() {
    assert_eq!(
        hidden(&person("1041"), "module-1041", Purpose::Identifier),
        None
    );
    assert!(hidden(&person("20231041"), "u/20231041", Purpose::Identifier).is_some());
    assert!(hidden(&person("stu-1041"), "s/stu-1041", Purpose::Identifier).is_some());
    assert_eq!(hidden(&person("7"), "7", Purpose::Answer), None);
    assert!(hidden(&person("1041"), "it is 1041", Purpose::Answer).is_some());
}

#[test]
fn an_inserted_key_is_not_searched_again() {
    // The second spelling is part of the key that replaces the first.
    let key = person("https://lms.example/users/x").key.to_string();
    let spelling = key[..4].to_owned();
    let person = Rc::new(Person::new(
        StudentKey::from_bytes([0xab; 16]),
        &[&format!("mailto:{spelling}")],
    ));
    let found = hidden(&person, &format!("mailto:{spelling}"), Purpose::Free);
    assert_eq!(found, Some("ab".repeat(16)));
}

#[test]
fn the_longest_name_is_found_first_and_keys_are_left_alone() {
    let people = [person("anna"), person("anna.berg"), person("7741")];
    let named = Named::new(&people);
    let keys = people.each_ref().map(|person| person.key);
    assert_eq!(
        named.hidden("anna.berg or anna", Purpose::Free),
        Some(format!("{} or {}", keys[1], keys[0]))
    );
    // A key in which someone's number stands.
    let holder = Rc::new(Person::new(
        "ab7741ab".repeat(4).parse().expect("a key"),
        &["mailto:holder", "holder"],
    ));
    let key = holder.key.to_string();
    let mut members = serde_json::json!({"by_key": key, "note": "of holder"});
    let members = members.as_object_mut().expect("an object");
    Named::new(&[people[2].clone(), holder]).hide_members(members);
    let expected = serde_json::json!({"by_key": key, "note": format!("of {key}")});
    assert_eq!(Value::Object(members.clone()), expected);
}

#[test]
fn many_people_are_looked_for_at_once() {
    // Each begins with the one before, or like all others.
    let nested = |n: usize| "a.".repeat(n) + "a";
    let alike = |n: usize| format!("student-{n:04}");
    for name in [nested, alike] {
        let steps = |count: usize| {
            let people: Vec<_> = (0..count).map(|n| person(&name(n))).collect();
            let text: Vec<_> = (0..100).map(|n| name(2 * n)).collect();
            STEPS.set(0);
            let found = Named::new(&people).hidden(&text.join(" "), Purpose::Free);
            assert_eq!(found.is_some(), count > 0);
            STEPS.get()
        };
        assert!(steps(400) <= steps(200) + 100, "{}", name(1));
    }
}

#[rstest]
#[case("stu-1041", "http://adlnet.gov/expapi/verbs/attended", "attended")]
#[case("at", "http://adlnet.gov/expapi/verbs/attended", "attended")]
#[case("verbs", "http://adlnet.gov/expapi/verbs/attended", "attended")]
#[case("stu-1041", "https://w3id.org/xapi/adl/verbs/logged-in/", "logged_in")]
#[case("stu-1041", "https://example.com/verbs#Jumped", "jumped")]
#[case("stu-1041", "tag:example.com,2026:ließ", "lie")]
#[case("stu-1041", "urn:x:%%%", "stated")]
#[case("anna.berg", "https://example.com/verbs/met-anna.berg", "stated")]
#[case("Anna Berg", "https://example.com/verbs/Met%20anna%20Berg", "stated")]
#[case("ann", "https://example.com/verbs/ann", "stated")]
#[case("1041", "https://example.com/verbs/met-1041", "stated")]
#[case("7", "https://example.com/verbs/7-seen", "7_seen")]
fn verbs_become_words_that_name_nobody(#[case] actor: &str, #[case] iri: &str, #[case] word: &str) {
    let people = [person(actor)];
    assert_eq!(Named::new(&people).word(iri), word);
    let long = format!("http://x/{}", "a".repeat(500));
    assert_eq!(Named::new(&people).word(&long).len(), 40);
}

#[test]
fn members_lose_the_person_in_names_texts_and_numbers() {
    let person = person("1041");
    let key = person.key.to_string();
    let mut members = serde_json::json!({"by 1041": [1041, 21041, {"x": "u1041"}]});
    let members = members.as_object_mut().expect("an object");
    Named::new(&[person]).hide_members(members);
    let expected = serde_json::json!({format!("by {key}"): [key, 21041, {"x": format!("u{key}")}]});
    assert_eq!(Value::Object(members.clone()), expected);
}
