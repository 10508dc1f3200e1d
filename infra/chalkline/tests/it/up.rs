use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Folder, stderr};

/// A running `chalkline up`; killed when dropped.
pub struct Up {
    child: Child,
    told: Value,
}

impl Up {
    /// Starts it on free ports and waits until it tells where it listens.
    pub fn start(folder: &Folder) -> Self {
        Self::of(&mut folder.command(&["up", "--json"]))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command
            .env("CHALKLINE_INGEST_LISTEN", "127.0.0.1:0")
            .env("CHALKLINE_QUERY_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        let told = serde_json::from_str(&line).expect("addresses");
        Self { child, told }
    }

    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill starts").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn one_process_has_the_data_folder_and_tells_where_it_listens() {
    let folder = Folder::new();
    let up = Up::start(&folder);
    let file = std::fs::read(folder.data().join("up.json")).expect("announced");
    let announced: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(announced, up.told);
    assert_eq!(announced["pid"], up.child.id());

    let second = folder.run(&["up"]);
    assert_eq!(second.status.code(), Some(1));
    let expected = format!("is in use by another Chalkline (process {})", up.child.id());
    assert!(stderr(&second).contains(&expected), "{}", stderr(&second));

    // Commands that need no lock work meanwhile.
    folder.json(&["tenant", "add", "Demo"]);

    assert_eq!(up.stop(), Some(0));
    assert!(!folder.data().join("up.json").exists());
}

#[test]
fn a_killed_process_leaves_a_folder_that_can_be_used_again() {
    let folder = Folder::new();
    drop(Up::start(&folder));
    assert!(folder.data().join("up.json").exists());
    assert_eq!(Up::start(&folder).stop(), Some(0));
}

#[test]
fn everything_in_one_process_takes_two_addresses() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    std::fs::write(
        folder.path().join("c.toml"),
        format!("[transform]\nlisten = '{address}'\n"),
    )
    .expect("written");
    let mut up = folder.command(&["up", "--json", "--config", "c.toml"]);
    let up = Up::of(&mut up);
    assert_eq!(up.told["transform_url"], Value::Null);
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = folder
        .command(&["up"])
        .env("CHALKLINE_INGEST_LISTEN", &address)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("cannot listen on {address} for ingest: set `listen` in [ingest]");
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}
