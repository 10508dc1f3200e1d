use rstest::rstest;
use tokio::net::TcpListener;

use super::*;
use crate::http::tests::certificates::{Certificates, localhost};

/// Whether a client that trusts only this certificate agrees on a connection.
async fn is_trusted(tls: &Tls, certificates: &Certificates, name: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = certificates.client(name, &[]);
    let asked = async {
        let stream = TcpStream::connect(address).await.expect("connects");
        client.connect(localhost(), stream).await.is_ok()
    };
    let answered = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        tls.accept(stream).await.is_ok()
    };
    let (asked, _) = tokio::join!(asked, answered);
    asked
}

#[test]
fn both_files_are_needed_and_none_are_no_tls() {
    let none = TlsConfig::default();
    assert_eq!(none.problems("ingest.tls"), Vec::<String>::new());
    assert!(none.open().expect("nothing to open").is_none());
    assert_eq!(none.scheme(), "http");
    let half = TlsConfig {
        certificate: Some("school.pem".into()),
        key: None,
    };
    assert_eq!(
        half.problems("ingest.tls"),
        ["[ingest.tls] key: must be set too: TLS needs both files"]
    );
}

#[rstest]
#[case::missing("no.pem", "a.key", "no.pem: check that it is there")]
#[case::key_missing("a.pem", "no.key", "no.key: check that it is there")]
#[case::a_key_for_a_certificate("a.key", "a.key", "a.key holds no certificate")]
#[case::a_certificate_for_a_key("a.pem", "a.pem", "a.pem holds no private key")]
#[case::another_key("a.pem", "b.key", "b.key does not fit the certificate in ")]
#[case::cut("cut.pem", "a.key", "cut.pem is no file of PEM")]
#[case::nonsense("nonsense.pem", "a.key", "cannot use the certificate in ")]
fn an_error_names_the_file_and_what_is_wrong(
    #[case] certificate: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let certificates = Certificates::new();
    certificates.make("a");
    certificates.make("b");
    let whole = fs::read_to_string(certificates.path("a.pem")).expect("readable");
    let cut = &whole[..whole.len() / 2];
    fs::write(certificates.path("cut.pem"), cut).expect("written");
    let nonsense = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n";
    fs::write(certificates.path("nonsense.pem"), nonsense).expect("written");
    let config = TlsConfig {
        certificate: Some(certificates.path(certificate)),
        key: Some(certificates.path(key)),
    };
    let error = config.open().expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_a_broken_one_is_not() {
    let certificates = Certificates::new();
    let config = certificates.make("a");
    certificates.make("b");
    let tls = config.open().expect("opens").expect("both are set");
    assert!(is_trusted(&tls, &certificates, "a").await);

    let mut watch = Watch::default();
    let replace = |from: &str| {
        for end in ["pem", "key"] {
            let from = certificates.path(&format!("{from}.{end}"));
            fs::copy(from, certificates.path(&format!("a.{end}"))).expect("copied");
        }
    };
    watch.look(&tls);
    // The former certificate stays known by another name.
    let keep = |name: &str| {
        let from = certificates.path("a.pem");
        fs::copy(from, certificates.path(name)).expect("copied");
    };
    keep("former.pem");
    replace("b");
    watch.look(&tls);
    assert!(is_trusted(&tls, &certificates, "b").await);
    assert!(!is_trusted(&tls, &certificates, "former").await);

    for broken in ["", "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n"] {
        fs::write(certificates.path("a.pem"), broken).expect("written");
        watch.look(&tls);
        assert!(is_trusted(&tls, &certificates, "b").await);
    }
    fs::remove_file(certificates.path("a.key")).expect("removed");
    watch.look(&tls);
    assert!(is_trusted(&tls, &certificates, "b").await);

    certificates.make("c");
    replace("c");
    watch.look(&tls);
    assert!(is_trusted(&tls, &certificates, "c").await);
}
