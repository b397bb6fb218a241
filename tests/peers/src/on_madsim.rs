//! The workloads as madsim's users write them: an endpoint for each node, messages as they are.

use std::net::SocketAddr;
use std::time::Duration;

use madsim::net::Endpoint;
use madsim::runtime::{Handle, NodeHandle, Runtime};
use seedbed_protocols::storage::{Engine, memory::MemoryEngine};
use seedbed_sim::{DiskConfig, SimDisk};

use crate::quorum::{Client, Message, REPLICAS, answer};

const TAG: u64 = 1;

/// Runs `task` under links of 1 to 10 ms, on a thread of its own.
fn on_thread<F: Future<Output = u64>>(task: impl FnOnce() -> F + Send + 'static) -> u64 {
    let run = move || {
        let mut config = madsim::Config::default();
        config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(10);
        Runtime::with_seed_and_config(1, config).block_on(task())
    };
    let thread = std::thread::spawn(run);
    thread.join().expect("nothing panics")
}

fn address(node: u32) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, node as u8 + 1], 1_000))
}

fn node(index: u32) -> NodeHandle {
    let supervisor = Handle::current();
    let node = supervisor.create_node().ip(address(index).ip());
    node.build()
}

pub(crate) fn ping_pong(messages: u64) -> u64 {
    on_thread(move || async move {
        node(0).spawn(async {
            let socket = Endpoint::bind(address(0)).await.expect("a free port");
            loop {
                let (ball, from) = socket.recv_from_raw(TAG).await.expect("a message");
                let sent = socket.send_to_raw(from, TAG, ball).await;
                sent.expect("it is sent");
            }
        });
        let player = async move {
            let socket = Endpoint::bind(address(1)).await.expect("a free port");
            madsim::time::sleep(Duration::from_millis(5)).await;
            let mut ball = 0_u64;
            while ball < messages {
                let sent = socket.send_to_raw(address(0), TAG, Box::new(ball)).await;
                sent.expect("it is sent");
                socket.recv_from_raw(TAG).await.expect("a message");
                ball += 2;
            }
            ball
        };
        node(1).spawn(player).await.expect("it ends")
    })
}

pub(crate) fn quorum(messages: u64) -> u64 {
    on_thread(move || async move {
        for replica in 0..REPLICAS {
            node(replica).spawn(serve(replica));
        }
        let client = node(REPLICAS).spawn(ask(messages));
        client.await.expect("it ends")
    })
}

async fn serve(replica: u32) {
    let socket = Endpoint::bind(address(replica)).await.expect("a free port");
    let mut engine: Box<dyn Engine> = Box::new(MemoryEngine::new());
    let mut disk = SimDisk::new(DiskConfig::instant());
    loop {
        let (message, from) = socket.recv_from_raw(TAG).await.expect("a message");
        let message = message.downcast::<Message>().expect("the store's");
        let answer = answer(engine.as_mut(), *message, &mut disk).expect("it can be answered");
        let sent = socket.send_to_raw(from, TAG, Box::new(answer)).await;
        sent.expect("it is sent");
    }
}

async fn ask(messages: u64) -> u64 {
    let socket = Endpoint::bind(address(REPLICAS))
        .await
        .expect("a free port");
    madsim::time::sleep(Duration::from_millis(5)).await;
    let mut client = Client::new(crate::KEYS, false);
    let mut handled = 0;
    while handled < messages {
        let message = client.next(madsim::rand::random());
        // At once, as from one handler: one send after the other would wait a millisecond each.
        for replica in 0..REPLICAS {
            let (socket, message) = (socket.clone(), message.clone());
            madsim::task::spawn(async move {
                let sent = socket.send_to_raw(address(replica), TAG, Box::new(message));
                sent.await.expect("it is sent");
            });
        }
        handled += u64::from(REPLICAS);
        loop {
            let (answer, _) = socket.recv_from_raw(TAG).await.expect("a message");
            handled += 1;
            if client.take(&answer.downcast().expect("the store's")) {
                break;
            }
        }
    }
    handled
}
