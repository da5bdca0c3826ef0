//! Starting the program, and a served one to talk to.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Response, header::CONTENT_TYPE};
use serde_json::Value;

/// Longer than anything here takes, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program, with no settings of this machine's user about it.
pub fn byecaptcha() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byecaptcha"));
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| name.as_encoded_bytes().starts_with(b"BYECAPTCHA_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    byecaptcha().args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Makes a white picture.
pub fn blank(path: &Path) {
    image::RgbImage::from_pixel(200, 80, image::Rgb([255; 3])).save(path).unwrap();
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The ten pictures, in the order of their names; what they show is what their names begin with.
pub fn pictures() -> Vec<PathBuf> {
    let mut pictures: Vec<PathBuf> = fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("jpg")))
        .collect();
    pictures.sort();
    assert_eq!(pictures.len(), 10);
    pictures
}

/// What `byecaptcha recognize` reads in each of these.
pub fn readings(pictures: &[PathBuf]) -> Vec<String> {
    let output =
        run([OsStr::new("recognize")].into_iter().chain(pictures.iter().map(|path| path.as_os_str())));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let texts: Vec<String> =
        text(&output.stdout).lines().map(|line| line.split_once('\t').unwrap().1.to_owned()).collect();
    assert_eq!(texts.len(), pictures.len());
    texts
}

/// A running `byecaptcha serve`; killed when dropped.
pub struct Server {
    pub child: Child,
    pub url: String,
    pub client: Client,
    /// Kept open, lest the program's standard output be closed.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = byecaptcha();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Self::from_command(command)
    }

    pub fn from_command(command: Command) -> Self {
        Self::logging_to(command, Stdio::null())
    }

    /// One whose log goes there.
    pub fn logging_to(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("ByeCaptcha is listening on ").expect("the address").to_owned();
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{url}");
        Self { child, url, client: Client::new(), _stdout: stdout }
    }

    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Submits a picture and waits for its end, or does not.
    pub async fn submit(&self, image: Vec<u8>, media_type: &str, wait: bool) -> Response {
        let request = self.client.post(format!("{}/v1/jobs", self.url)).header(CONTENT_TYPE, media_type);
        let request = if wait { request.header("Prefer", "wait=25") } else { request };
        request.body(image).send().await.unwrap()
    }

    /// The job's record once it has ended.
    pub async fn ended(&self, id: &str) -> Value {
        let since = Instant::now();
        loop {
            let request = self.client.get(format!("{}/v1/jobs/{id}", self.url)).header("Prefer", "wait=25");
            let record: Value =
                request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
            if !matches!(record["status"].as_str().unwrap(), "queued" | "processing") {
                return record;
            }
            assert!(since.elapsed() < PATIENCE, "{record}");
        }
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub fn exit(&mut self) -> ExitStatus {
        exit(&mut self.child)
    }

    /// SIGKILL: the program is not asked.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends a signal by its name, as `kill` does.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for a program's own end.
pub fn exit(child: &mut Child) -> ExitStatus {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(since.elapsed() < PATIENCE, "the program does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
