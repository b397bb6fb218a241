//! The workloads as turmoil's users write them: a UDP socket for each host, messages as bytes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use seedbed_protocols::storage::{Engine, memory::MemoryEngine};
use seedbed_sim::{DiskConfig, SimDisk};
use turmoil::net::UdpSocket;

use crate::quorum::{Client, Message, REPLICAS, answer};

const PORT: u16 = 1_000;
const ANY: (&str, u16) = ("0.0.0.0", PORT);

fn sim() -> turmoil::Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(1)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .simulation_duration(Duration::from_secs(1_000_000))
        .udp_capacity(1_024)
        .build()
}

pub(crate) fn ping_pong(messages: u64) -> u64 {
    let mut sim = sim();
    sim.host("ping", || async {
        let socket = UdpSocket::bind(ANY).await?;
        let mut ball = [0; 8];
        loop {
            let (_, from) = socket.recv_from(&mut ball).await?;
            socket.send_to(&ball, from).await?;
        }
    });
    let handled = Rc::new(Cell::new(0));
    let count = Rc::clone(&handled);
    sim.client("pong", async move {
        let socket = UdpSocket::bind(ANY).await?;
        let mut ball = [0; 8];
        while count.get() < messages {
            socket.send_to(&ball, ("ping", PORT)).await?;
            socket.recv_from(&mut ball).await?;
            count.set(count.get() + 2);
        }
        Ok(())
    });
    sim.run().expect("nothing fails");
    handled.get()
}

pub(crate) fn quorum(messages: u64) -> u64 {
    let mut sim = sim();
    for replica in 0..REPLICAS {
        sim.host(format!("replica-{replica}"), serve);
    }
    let handled = Rc::new(Cell::new(0));
    let count = Rc::clone(&handled);
    sim.client("client", async move {
        let socket = UdpSocket::bind(ANY).await?;
        let mut client = Client::new(crate::KEYS, false);
        let mut buffer = [0; 256];
        let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
        while count.get() < messages {
            draw = draw.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            // The low bits of such a generator alternate.
            let bytes = encode(&client.next(draw.rotate_left(32)));
            for replica in 0..REPLICAS {
                let to = (format!("replica-{replica}"), PORT);
                socket.send_to(&bytes, to).await?;
            }
            count.set(count.get() + u64::from(REPLICAS));
            loop {
                let (len, _) = socket.recv_from(&mut buffer).await?;
                count.set(count.get() + 1);
                if client.take(&decode(&buffer[..len])) {
                    break;
                }
            }
        }
        Ok(())
    });
    sim.run().expect("nothing fails");
    handled.get()
}

async fn serve() -> turmoil::Result {
    let socket = UdpSocket::bind(ANY).await?;
    let mut engine: Box<dyn Engine> = Box::new(MemoryEngine::new());
    let mut disk = SimDisk::new(DiskConfig::instant());
    let mut buffer = [0; 256];
    loop {
        let (len, from) = socket.recv_from(&mut buffer).await?;
        let answer = answer(engine.as_mut(), decode(&buffer[..len]), &mut disk)?;
        socket.send_to(&encode(&answer), from).await?;
    }
}

/// A byte for the kind, the operation, the key's length and the key where there is one, the value.
fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    let (kind, operation, key, value) = match message {
        Message::Write(operation, key, value) => (0, operation, Some(key), Some(value)),
        Message::Written(operation) => (1, operation, None, None),
        Message::Read(operation, key) => (2, operation, Some(key), None),
        Message::Found(operation, Some(value)) => (3, operation, None, Some(value)),
        Message::Found(operation, None) => (4, operation, None, None),
    };
    bytes.put_u8(kind);
    bytes.put_u64(*operation);
    if let Some(key) = key {
        bytes.put_u16(key.len() as u16);
        bytes.put_slice(key);
    }
    if let Some(value) = value {
        bytes.put_slice(value);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Message {
    let kind = bytes.get_u8();
    let operation = bytes.get_u64();
    let mut key = || {
        let len = bytes.get_u16();
        bytes.copy_to_bytes(len.into())
    };
    match kind {
        0 => {
            let key = key();
            Message::Write(operation, key, Bytes::copy_from_slice(bytes))
        }
        1 => Message::Written(operation),
        2 => Message::Read(operation, key()),
        3 => Message::Found(operation, Some(Bytes::copy_from_slice(bytes))),
        _ => Message::Found(operation, None),
    }
}
