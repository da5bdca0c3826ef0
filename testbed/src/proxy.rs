//! A network that can be cut, slowed and frozen: a TCP proxy on the loopback interface.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
enum Sky {
    Fair,
    /// New connections are ended too.
    Cut,
    /// Nothing gets through, and nobody is told.
    Frozen,
    /// Questions get through, answers do not.
    Mute,
    /// Connections up to this number are frozen for good, later ones are not.
    Stranded(u64),
    /// Each piece, of up to 16 KiB, arrives so much later.
    Slow(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Weather {
    sky: Sky,
    /// How often everything was cut. Connections end when it grows, so that a cut mended at once is noticed too.
    cuts: u64,
}

/// One of the two directions of one connection.
#[derive(Clone, Copy)]
struct Lane {
    /// Which connection, counted from 1.
    number: u64,
    to_client: bool,
}

impl Sky {
    fn lets_through(self, lane: Lane) -> bool {
        match self {
            Self::Frozen => false,
            Self::Mute => !lane.to_client,
            Self::Stranded(last) => lane.number > last,
            Self::Fair | Self::Cut | Self::Slow(_) => true,
        }
    }
}

/// A proxy before one server. Dropped, it cuts all connections.
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    accepted: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to this port of 127.0.0.1.
    pub async fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather { sky: Sky::Fair, cuts: 0 });
        let accepted = Arc::<AtomicU64>::default();
        let (forecast, counter) = (weather.clone(), Arc::clone(&accepted));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if forecast.borrow().sky != Sky::Cut {
                    let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
                    tokio::spawn(connect(client, target, number, forecast.subscribe()));
                }
            }
        });
        Ok(Self { address, weather, accepted, accepting })
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
        self.weather.send_modify(|weather| *weather = Weather { sky: Sky::Cut, cuts: weather.cuts + 1 });
    }

    /// Lets nothing through, in silence.
    pub fn freeze(&self) {
        self.becomes(Sky::Frozen);
    }

    /// Lets through what clients send, and holds what the server answers.
    pub fn mute(&self) {
        self.becomes(Sky::Mute);
    }

    /// Freezes the connections that there are; new ones work. So does a firewall that has lost its memory.
    pub fn strand(&self) {
        self.becomes(Sky::Stranded(self.accepted.load(Ordering::Relaxed)));
    }

    /// Delays what goes through, in each direction.
    pub fn slow(&self, delay: Duration) {
        self.becomes(Sky::Slow(delay));
    }

    /// Back to a network that works. What was held meanwhile arrives now, on connections that still are.
    pub fn restore(&self) {
        self.becomes(Sky::Fair);
    }

    fn becomes(&self, sky: Sky) {
        self.weather.send_modify(|weather| weather.sky = sky);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn connect(client: TcpStream, target: u16, number: u64, mut weather: watch::Receiver<Weather>) {
    let cuts = weather.borrow().cuts;
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    // A proxy that gathers small packets would be the slowest part of any measurement.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let lane = |to_client| Lane { number, to_client };
    let there = pass(from_client, to_server, lane(false), weather.clone());
    let back = pass(from_server, to_client, lane(true), weather.clone());
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = weather.wait_for(|weather| weather.cuts != cuts) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    lane: Lane,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let Ok(sky) = weather.wait_for(|weather| weather.sky.lets_through(lane)).await.map(|now| now.sky)
        else {
            return;
        };
        if let Sky::Slow(delay) = sky {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
