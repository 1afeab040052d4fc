//! An established connection: it moves bytes, time and calls between the socket and the session.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nightjar_erldist::Term;
use nightjar_erldist::rpc::{Answer, Call, CallId, Outcome, Output, Session, SessionSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::calls::{self, Answered, Context, Operator};
use crate::stream::{BoxStream, Shaken};

/// Bytes read at once.
const READ_BYTES: usize = 16_384;
/// With so many bytes unsent, nothing more is read of a peer.
const UNSENT_PAUSE: usize = 1 << 20;
/// With so many, it is let go.
const UNSENT_MAX: usize = 256 << 20;
/// How long a peer may take no byte of what it is sent.
const STUCK_TIME: Duration = Duration::from_secs(60);
/// Calls of a peer that run at once, those included that it no longer waits for.
const RUNNING_MAX: usize = 64;
/// Calls of ours that wait for a link's attention.
const ORDERS: usize = 64;

/// What comes of a call to the peer, in this order: texts, and one answer.
pub enum Told {
    /// What the call printed.
    Text(String),
    /// Its result.
    Answer(Answer),
}

/// What a link is asked to do.
pub(crate) enum Order {
    /// Calls a function of the peer.
    Call { module: String, function: String, arguments: Vec<Term>, told: mpsc::UnboundedSender<Told> },
    /// A call of the peer has been answered.
    Answered(CallId, Answered),
}

/// The way to a link. The link ends when all of them are gone.
pub(crate) type Orders = mpsc::Sender<Order>;

/// What a link needs to answer the peer's calls.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Who runs commands; nobody at a node that only asks.
    fn operator(&self) -> Option<Arc<dyn Operator>>;
    /// The nodes that are connected.
    fn connected(&self) -> Vec<String>;
}

pub(crate) struct Link {
    session: Session,
    address: IpAddr,
    own: String,
    answers: Arc<dyn Answers>,
    started: Instant,
    unsent: Vec<u8>,
    moved_at: Instant,
    orders: mpsc::WeakSender<Order>,
    asked: std::collections::HashMap<CallId, mpsc::UnboundedSender<Told>>,
    running: usize,
    is_closed: Option<String>,
}

/// Runs a link until it ends. The reason is for the log.
pub(crate) fn start(
    shaken: Shaken,
    serial: u32,
    address: IpAddr,
    answers: Arc<dyn Answers>,
) -> (Orders, impl Future<Output = String>) {
    let (orders, receiver) = mpsc::channel(ORDERS);
    let (name, creation) = shaken.own;
    let own = name.as_str().to_owned();
    let mut session = Session::new(SessionSettings::new(name, creation, serial), shaken.peer, Duration::ZERO);
    session.handle_input(Duration::ZERO, &shaken.rest);
    let now = Instant::now();
    let link = Link {
        session,
        address,
        own,
        answers,
        started: now,
        unsent: Vec::new(),
        moved_at: now,
        orders: orders.downgrade(),
        asked: std::collections::HashMap::new(),
        running: 0,
        is_closed: None,
    };
    (orders, link.run(shaken.stream, receiver))
}

impl Link {
    async fn run(mut self, stream: BoxStream, mut receiver: mpsc::Receiver<Order>) -> String {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.follow();
            if let Some(why) = self.is_closed.take() {
                let _ = self.write(&mut writer).await;
                return why;
            }
            let event = self.next(&mut reader, &mut writer, &mut receiver, &mut buffer).await;
            match event {
                Ok(Some(count)) => {
                    let now = self.started.elapsed();
                    self.session.handle_input(now, buffer.get(..count).unwrap_or_default());
                }
                Ok(None) => {}
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Waits until something happens. A number: so many bytes were read.
    async fn next(
        &mut self,
        reader: &mut ReadHalf<BoxStream>,
        writer: &mut WriteHalf<BoxStream>,
        receiver: &mut mpsc::Receiver<Order>,
        buffer: &mut [u8],
    ) -> io::Result<Option<usize>> {
        let now = self.started.elapsed();
        let until = self.session.poll_timeout().map_or(STUCK_TIME, |at| at.saturating_sub(now));
        let (has_unsent, may_read) = (!self.unsent.is_empty(), self.unsent.len() < UNSENT_PAUSE);
        tokio::select! {
            written = async { let count = writer.write(&self.unsent).await?; writer.flush().await?; Ok(count) }, if has_unsent => {
                self.wrote(written)?;
                Ok(None)
            }
            read = reader.read(buffer), if may_read => match read? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                count => Ok(Some(count)),
            },
            order = receiver.recv() => {
                match order {
                    Some(order) => self.obey(order),
                    None => self.is_closed = Some("closed by this node".to_owned()),
                }
                Ok(None)
            }
            () = sleep(until) => {
                self.session.handle_timeout(self.started.elapsed());
                if has_unsent && self.moved_at.elapsed() > STUCK_TIME {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Ok(None)
            }
        }
    }

    fn wrote(&mut self, written: io::Result<usize>) -> io::Result<()> {
        match written? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => {
                self.unsent.drain(..count);
                self.moved_at = Instant::now();
                Ok(())
            }
        }
    }

    async fn write(&mut self, writer: &mut WriteHalf<BoxStream>) -> io::Result<()> {
        let farewell = async {
            writer.write_all(&self.unsent).await?;
            writer.shutdown().await
        };
        tokio::time::timeout(Duration::from_secs(1), farewell).await?
    }

    /// Does what the session wants done.
    fn follow(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(bytes) => {
                    if self.unsent.is_empty() {
                        self.moved_at = Instant::now();
                    }
                    self.unsent.extend_from_slice(&bytes);
                    if self.unsent.len() > UNSENT_MAX {
                        self.is_closed = Some("the peer doesn't read".to_owned());
                        return;
                    }
                }
                Output::Call(call) => self.answer(call),
                // What has begun is finished, as with Erlang, whose processes outlive who asked for them.
                Output::Abandoned(_) | Output::Printed(_) => {}
                Output::Text { id, text } => {
                    if let Some(told) = self.asked.get(&id) {
                        let _ = told.send(Told::Text(text));
                    }
                }
                Output::Answer { id, answer } => {
                    if let Some(told) = self.asked.remove(&id) {
                        let _ = told.send(Told::Answer(answer));
                    }
                }
                Output::Closed(reason) => self.is_closed = Some(reason.to_string()),
            }
        }
    }

    fn answer(&mut self, call: Call) {
        let now = self.started.elapsed();
        let (Some(operator), Some(orders)) = (self.answers.operator(), self.orders.upgrade()) else {
            self.session.finish(now, call.id, Outcome::Undefined);
            return;
        };
        if self.running >= RUNNING_MAX {
            tracing::warn!(node = %self.session.peer().name, "too many calls of a node at once");
            self.session.finish(now, call.id, Outcome::Error(Term::atom("system_limit")));
            return;
        }
        self.running += 1;
        let context = Context {
            peer: self.session.peer().name.as_str().to_owned(),
            address: self.address,
            own: self.own.clone(),
            connected: self.answers.connected(),
        };
        tokio::spawn(async move {
            let (module, function) = (call.module.as_str(), call.function.as_str());
            let answering = calls::answer(&*operator, &context, module, function, &call.arguments);
            let answered = nightjar_base::catch::caught(answering).await.unwrap_or_else(|()| {
                tracing::error!(module, function, "a node's call panicked");
                Outcome::Error(Term::atom("internal_error")).into()
            });
            // A link that has ended needs no answer.
            let _ = orders.send(Order::Answered(call.id, answered)).await;
        });
    }

    fn obey(&mut self, order: Order) {
        let now = self.started.elapsed();
        match order {
            Order::Call { module, function, arguments, told } => {
                let id = self.session.call(now, &module, &function, arguments);
                self.asked.insert(id, told);
            }
            Order::Answered(id, answered) => {
                self.running -= 1;
                if let Some(text) = answered.printed {
                    self.session.print(now, id, &text);
                }
                self.session.finish(now, id, answered.outcome);
            }
        }
    }
}
