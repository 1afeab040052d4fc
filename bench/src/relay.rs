//! A bare relay: what the first connection of a pair sends the second receives, and the other way round. The cost of
//! moving the bytes through sockets and nothing else, which no server can go below.

use anyhow::Result;
use std::{io::ErrorKind, net::Ipv4Addr, rc::Rc};
use tokio::{
    net::{TcpListener, TcpStream},
    task::spawn_local,
};

/// Pairs connections in the order in which they come.
pub async fn run(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (first, second) = (accept(&listener).await?, accept(&listener).await?);
        spawn_local(forward(first.clone(), second.clone()));
        spawn_local(forward(second, first));
    }
}

async fn accept(listener: &TcpListener) -> Result<Rc<TcpStream>> {
    let (socket, _) = listener.accept().await?;
    socket.set_nodelay(true)?;
    Ok(Rc::new(socket))
}

/// Ends silently: a client that is done just goes away.
async fn forward(from: Rc<TcpStream>, to: Rc<TcpStream>) {
    let mut buffer = vec![0; 64 * 1024];
    while from.readable().await.is_ok() {
        match from.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) if write(&to, buffer.get(..count).unwrap_or_default()).await.is_err() => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    // Both directions share the socket, so dropping this half alone would not close it.
    let _ = rustix::net::shutdown(&*to, rustix::net::Shutdown::Both);
}

async fn write(to: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match to.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
