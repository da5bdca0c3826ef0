//! A Redis server as one would run it for results: append-only file, no eviction.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Authority, Group,
    authority::{AUTHORITY, CERTIFICATE, KEY},
    folder::Folder,
    free_port, wait_for_port,
};

/// A Redis server.
pub struct Redis {
    group: Group,
    port: u16,
    tls_port: Option<u16>,
    folder: Folder,
    fsync: Fsync,
}

/// When it has its file's writes on the disk.
#[derive(Clone, Copy)]
enum Fsync {
    /// Once a second. While it does, what it answers is in its memory alone: a kill then loses that.
    EverySecond,
    /// Before each answer.
    Always,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub async fn start() -> Result<Self> {
        Self::syncing(Fsync::EverySecond, None).await
    }

    /// The same of one that speaks TLS besides, with a certificate by this authority.
    pub async fn start_with_tls(authority: &Authority) -> Result<Self> {
        Self::syncing(Fsync::EverySecond, Some(authority)).await
    }

    /// The same of one whose kill loses nothing that it has answered.
    pub async fn start_to_be_killed() -> Result<Self> {
        Self::syncing(Fsync::Always, None).await
    }

    async fn syncing(fsync: Fsync, authority: Option<&Authority>) -> Result<Self> {
        ensure!(
            Command::new("redis-server").arg("--version").output().is_ok(),
            "redis-server is not installed: apt-get install redis-server"
        );
        let folder = Folder::new("redis")?;
        let port = free_port()?;
        let tls_port =
            authority.map(|authority| authority.equip(folder.path()).and(Ok(free_port()?))).transpose()?;
        let group = launch(port, tls_port, folder.path(), fsync).await?;
        Ok(Self { group, port, tls_port, folder, fsync })
    }

    /// `redis://127.0.0.1:PORT/0`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// `rediss://127.0.0.1:PORT/0`, where it speaks TLS.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port.map(|port| format!("rediss://127.0.0.1:{port}/0"))
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub fn group(&mut self) -> &mut Group {
        &mut self.group
    }

    /// Kills it where it still runs, and starts it on the same port with the same data.
    pub async fn restart(&mut self) -> Result<()> {
        self.group.kill();
        self.group = launch(self.port, self.tls_port, self.folder.path(), self.fsync).await?;
        Ok(())
    }
}

async fn launch(port: u16, tls_port: Option<u16>, folder: &Path, fsync: Fsync) -> Result<Group> {
    let fsync = match fsync {
        Fsync::EverySecond => "everysec",
        Fsync::Always => "always",
    };
    let tls = tls_port.map(|port| {
        let path = |name: &str| folder.join(name).display().to_string();
        format!(
            "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\n",
            path(CERTIFICATE),
            path(KEY),
            path(AUTHORITY)
        )
    });
    let configuration = folder.join("redis.conf");
    fs::write(
        &configuration,
        format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nappendonly yes\nappendfsync {fsync}\nsave \"\"\n\
             maxmemory-policy noeviction\nenable-debug-command local\n{}",
            folder.display(),
            tls.unwrap_or_default(),
        ),
    )?;
    let group = Group::start("redis-server", [configuration.as_os_str()], &[], &folder.join("log"))?;
    wait_for_port("redis-server", port, &group, &folder.join("log"), async |mut stream| {
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        // Not "-LOADING".
        Ok(&answer == b"+PONG")
    })
    .await?;
    Ok(group)
}
