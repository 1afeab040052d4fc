//! `nightjar ctl --node NAME@HOST`: has another node do what the words say, a Nightjar or an ejabberd.

use std::time::Duration;

use nightjar_net_dist::tls::Tls;
use nightjar_net_dist::{Answer, DialError, Dialler, NodeName, Remote, Term};

use super::{Flags, Given, Protocol, client_cookie};
use crate::ctl::render::Output;
use crate::home::Home;

/// Why the node didn't do it, as ejabberdctl words it: `nodedown` or `timeout`, and a sentence.
pub(crate) struct Unreached {
    pub(crate) word: &'static str,
    pub(crate) why: String,
}

impl Unreached {
    fn down(why: impl ToString) -> Self {
        Self { word: "nodedown", why: why.to_string() }
    }
}

/// Has the node do what the words say; the variables are those a node is started with.
///
/// # Errors
/// [`Unreached`]
pub(crate) fn ask(
    node: &str,
    words: &[String],
    home: &Home,
    variable: impl Fn(&str) -> Option<String>,
    limit: Option<Duration>,
) -> Result<Output, Unreached> {
    run(async {
        let work = async {
            let remote = connect(node, home, variable).await?;
            let list = Term::list(words.iter().map(|word| Term::charlist(word)));
            let mut text = String::new();
            let answer = remote.call("ejabberd_ctl", "process", vec![list], |more| text.push_str(more)).await;
            match answer.map_err(Unreached::down)? {
                Answer::Return(Term::Integer(code)) => {
                    let code = u8::try_from(code).unwrap_or(crate::ctl::render::FAILURE);
                    Ok(Output::new(text.strip_suffix('\n').unwrap_or(&text), code))
                }
                other => Err(Unreached::down(format!("an answer of another kind: {other:?}"))),
            }
        };
        let late = |_| Unreached { word: "timeout", why: "no answer in time".to_owned() };
        match limit {
            Some(limit) => tokio::time::timeout(limit, work).await.map_err(late)?,
            None => work.await,
        }
    })
}

/// Whether the node is there and knows the cookie (`net_adm:ping`).
pub(crate) fn ping(
    node: &str,
    home: &Home,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), Unreached> {
    run(async { connect(node, home, variable).await.map(drop) })
}

fn run<T>(work: impl Future<Output = Result<T, Unreached>>) -> Result<T, Unreached> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Unreached::down)?.block_on(work)
}

async fn connect(
    node: &str,
    home: &Home,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Remote, Unreached> {
    let peer = NodeName::parse(node).map_err(Unreached::down)?;
    let given = Given::from_environment(&Flags::default(), variable).map_err(Unreached::down)?;
    let cookie = client_cookie(&given, home.path()).map_err(Unreached::down)?;
    let tls = match Protocol::parse(given.protocol.as_deref()) {
        Ok(Protocol { tls: true, .. }) => {
            Some(Tls::open(&home.path().join("dist"), peer.host()).map_err(Unreached::down)?)
        }
        Ok(_) => None,
        Err(error) => return Err(Unreached::down(error)),
    };
    let epmd_port = given.fixed_port.is_none().then_some(given.epmd.port);
    let fixed_port = given.fixed_port.unwrap_or_default();
    let dialler = Dialler::client(&peer, cookie, epmd_port, fixed_port, tls).map_err(Unreached::down)?;
    dialler.connect(&peer).await.map_err(|error: DialError| Unreached::down(error))
}
