//! A network that can be cut, slowed and frozen: a TCP proxy on the loopback interface.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Connections are ended, and new ones too.
    Cut,
    /// Nothing gets through, and nobody is told.
    Frozen,
    /// Each piece, of up to 16 KiB, arrives so much later.
    Slow(Duration),
}

/// A proxy before one server. Dropped, it cuts all connections.
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to this port of 127.0.0.1.
    pub async fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::Fair);
        let forecast = weather.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *forecast.borrow() != Weather::Cut {
                    tokio::spawn(connect(client, target, forecast.subscribe()));
                }
            }
        });
        Ok(Self { address, weather, accepting })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of the RabbitMQ server behind it.
    pub fn amqp_url(&self) -> String {
        crate::rabbitmq::amqp_url(self.port())
    }

    /// The address of the Redis server behind it.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port())
    }

    /// Ends all connections and lets no new ones live.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }

    /// Lets nothing through, in silence.
    pub fn freeze(&self) {
        self.weather.send_replace(Weather::Frozen);
    }

    /// Delays what goes through, in each direction.
    pub fn slow(&self, delay: Duration) {
        self.weather.send_replace(Weather::Slow(delay));
    }

    /// Back to a network that works.
    pub fn restore(&self) {
        self.weather.send_replace(Weather::Fair);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn connect(client: TcpStream, target: u16, weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    // A proxy that gathers small packets would be the slowest part of any measurement.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut cut = weather.clone();
    tokio::select! {
        () = pass(from_client, to_server, weather.clone()) => {}
        () = pass(from_server, to_client, weather.clone()) => {}
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        if weather.wait_for(|weather| *weather != Weather::Frozen).await.is_err() {
            return;
        }
        let now = *weather.borrow();
        if let Weather::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
