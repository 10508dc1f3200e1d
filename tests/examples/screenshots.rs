//! Takes the pictures of the page that the README shows, of a running
//! Chalkline: `cargo run --workspace --example screenshots -- URL FOLDER`, where URL is
//! the link that `chalkline demo` or `chalkline link` prints.

use std::path::PathBuf;

use e2e::{Browser, Window};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: screenshots URL FOLDER");
        std::process::exit(2);
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let tall = |window: Window, height| Window { height, ..window };
    // The link logs in once: one tab becomes each window.
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&url).await;
    for (name, window) in [
        ("desktop.webp", tall(Window::DESKTOP, 1480)),
        ("desktop-dark.webp", tall(Window::DESKTOP, 1480).dark()),
        ("phone.webp", Window::PHONE),
    ] {
        browser.resize(window).await;
        browser
            .wait_for(
                "[...document.querySelectorAll('section[data-ready]:not(#sql)')]\
                 .every((section) => section.dataset.ready === 'true')",
            )
            .await;
        let path = folder.join(name);
        browser.screenshot(&path, false).await;
        println!("{}", path.display());
    }
}
