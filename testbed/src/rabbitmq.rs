//! A RabbitMQ server: one node, on ports and in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Authority, Group,
    authority::{AUTHORITY, CERTIFICATE, KEY},
    folder::Folder,
    free_port, wait_for_port,
};

/// Debian's programs, without the wrappers that want to be root or the user `rabbitmq`; then those of other packages.
const PROGRAMS: [&str; 2] = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/rabbitmq/sbin/rabbitmq-server"];

/// A RabbitMQ server.
pub struct RabbitMq {
    /// Erlang's port mapper, started here since one that the server starts would outlive it.
    _port_mapper: Group,
    group: Group,
    ports: Ports,
    folder: Folder,
}

#[derive(Clone, Copy)]
struct Ports {
    amqp: u16,
    amqps: Option<u16>,
    management: u16,
    distribution: u16,
    port_mapper: u16,
}

impl RabbitMq {
    /// Starts one and waits until it takes connections, which is a matter of ten seconds.
    pub async fn start() -> Result<Self> {
        Self::start_by(None).await
    }

    /// The same of one that speaks TLS besides, with a certificate by this authority.
    pub async fn start_with_tls(authority: &Authority) -> Result<Self> {
        Self::start_by(Some(authority)).await
    }

    async fn start_by(authority: Option<&Authority>) -> Result<Self> {
        let folder = Folder::new("rabbitmq")?;
        let ports = Ports {
            amqp: free_port()?,
            amqps: authority
                .map(|authority| authority.equip(folder.path()).and(Ok(free_port()?)))
                .transpose()?,
            management: free_port()?,
            distribution: free_port()?,
            port_mapper: free_port()?,
        };
        let port = ports.port_mapper.to_string();
        let _port_mapper = Group::start(
            "epmd",
            ["-port", &port, "-address", "127.0.0.1"],
            &[],
            &folder.path().join("epmd.log"),
        )
        .context("epmd is not installed: apt-get install rabbitmq-server")?;
        let group = launch(ports, folder.path()).await?;
        Ok(Self { _port_mapper, group, ports, folder })
    }

    /// `amqp://guest:guest@127.0.0.1:PORT/%2f`
    pub fn url(&self) -> String {
        amqp_url(self.ports.amqp)
    }

    /// `amqps://guest:guest@127.0.0.1:PORT/%2f`, where it speaks TLS.
    pub fn tls_url(&self) -> Option<String> {
        self.ports.amqps.map(|port| format!("amqps://guest:guest@127.0.0.1:{port}/%2f"))
    }

    /// The AMQP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// The management API, for the user guest with the password guest.
    pub fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.management)
    }

    /// The processes.
    pub fn group(&mut self) -> &mut Group {
        &mut self.group
    }

    /// Kills it where it still runs, and starts it on the same port with the same data.
    pub async fn restart(&mut self) -> Result<()> {
        self.group.kill();
        self.group = launch(self.ports, self.folder.path()).await?;
        Ok(())
    }
}

/// The address of the server behind this port, which may be a proxy's.
pub(crate) fn amqp_url(port: u16) -> String {
    format!("amqp://guest:guest@127.0.0.1:{port}/%2f")
}

async fn launch(ports: Ports, folder: &Path) -> Result<Group> {
    let program = PROGRAMS.iter().find(|program| Path::new(program).exists());
    let program = program.context("RabbitMQ is not installed: apt-get install rabbitmq-server")?;
    let plugins = folder.join("enabled_plugins");
    fs::write(&plugins, "[rabbitmq_management].\n")?;
    let path = |name: &str| folder.join(name).display().to_string();
    let tls = ports.amqps.map(|port| {
        format!(
            "listeners.ssl.local = 127.0.0.1:{port}\nssl_options.certfile = {}\nssl_options.keyfile = {}\n\
             ssl_options.cacertfile = {}\nssl_options.verify = verify_none\n",
            path(CERTIFICATE),
            path(KEY),
            path(AUTHORITY)
        )
    });
    let configuration = folder.join("rabbitmq.conf");
    fs::write(
        &configuration,
        format!(
            "listeners.tcp.local = 127.0.0.1:{}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {}\n\
             collect_statistics_interval = 1000\ndisk_free_limit.absolute = 50MB\nlog.console.level = error\n\
             log.file.level = info\n{}",
            ports.amqp,
            ports.management,
            tls.unwrap_or_default()
        ),
    )?;
    let environment = [
        ("HOME", path("")),
        ("RABBITMQ_NODENAME", "byecaptcha@localhost".to_owned()),
        ("RABBITMQ_MNESIA_BASE", path("data")),
        ("RABBITMQ_LOG_BASE", path("log")),
        ("RABBITMQ_PID_FILE", path("pid")),
        ("RABBITMQ_CONFIG_FILE", configuration.display().to_string()),
        ("RABBITMQ_CONF_ENV_FILE", path("none")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", plugins.display().to_string()),
        ("RABBITMQ_DIST_PORT", ports.distribution.to_string()),
        ("ERL_EPMD_PORT", ports.port_mapper.to_string()),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false +S 2:2".to_owned()),
    ];
    let none: [PathBuf; 0] = [];
    let group = Group::start(program, none, &environment, &folder.join("console.log"))?;
    wait_for_port("rabbitmq-server", ports.amqp, &group, &folder.join("console.log"), async |mut stream| {
        // A server that is ready answers the protocol's header with connection.start, a frame of type 1.
        stream.write_all(b"AMQP\0\0\x09\x01").await?;
        Ok(stream.read_u8().await? == 1)
    })
    .await?;
    if let Some(port) = ports.amqps {
        // Opened after the other.
        wait_for_port("rabbitmq-server", port, &group, &folder.join("console.log"), async |_| Ok(true))
            .await?;
    }
    Ok(group)
}
