//! An OpenID Connect provider, as far as client credentials need one: a token
//! endpoint that signs with RS256, and a file of keys for whoever checks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIFETIME: Duration = Duration::from_secs(300);

pub struct IdentityProvider {
    folder: TempDir,
    address: SocketAddr,
}

impl IdentityProvider {
    /// Serves, as long as the process runs, tokens for one client.
    pub fn start(client_id: &str, client_secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        openssl(&["genrsa", "-out", &key.display().to_string(), "2048"], b"");
        let modulus = [
            "rsa",
            "-noout",
            "-modulus",
            "-in",
            &key.display().to_string(),
        ];
        let modulus = String::from_utf8(openssl(&modulus, b"")).unwrap();
        let modulus = modulus.trim().strip_prefix("Modulus=").unwrap();
        let bytes = (0..modulus.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&modulus[at..at + 2], 16).unwrap());
        let modulus = BASE64_URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<_>>());
        let jwks = json!({"keys": [
            {"kty": "RSA", "kid": "one", "alg": "RS256", "use": "sig", "e": "AQAB", "n": modulus},
        ]});
        std::fs::write(folder.path().join("jwks.json"), jwks.to_string()).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let login = BASE64_STANDARD.encode(format!("{client_id}:{client_secret}"));
        let client_id = client_id.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away asks again.
                let _ = answer(stream, &login, &client_id, &key);
            }
        });
        Self { folder, address }
    }

    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The keys that the tokens are signed with.
    pub fn jwks(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// The certificate of an authority that nobody here has anything from.
    pub fn foreign_ca(&self) -> PathBuf {
        let path = self.folder.path().join("foreign.pem");
        let key = self.folder.path().join("key.pem").display().to_string();
        let (out, name) = (path.display().to_string(), "/CN=Somebody else");
        openssl(
            &["req", "-x509", "-key", &key, "-out", &out, "-subj", name],
            b"",
        );
        path
    }
}

fn answer(mut stream: TcpStream, login: &str, client_id: &str, key: &Path) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let (mut is_known, mut length) = (false, 0);
    loop {
        let mut line = String::new();
        request.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => is_known = value == format!("Basic {login}"),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut form = vec![0; length];
    request.read_exact(&mut form)?;
    let form = String::from_utf8_lossy(&form).into_owned();
    assert!(form.contains("grant_type=client_credentials"), "{form}");
    let (status, body) = if is_known {
        let token = token(client_id, key);
        let lifetime = LIFETIME.as_secs();
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime});
        ("200 OK", body)
    } else {
        ("401 Unauthorized", json!({"error": "invalid_client"}))
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn token(client_id: &str, key: &Path) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "one"});
    let claims = json!({
        "iss": "https://identity.example", "sub": client_id, "aud": "kafka", "scope": "events",
        "iat": now.as_secs(), "exp": (now + LIFETIME).as_secs(),
    });
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let sign = ["dgst", "-sha256", "-sign", &key.display().to_string()];
    let signature = openssl(&sign, signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    // It may need none and be gone already.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}
