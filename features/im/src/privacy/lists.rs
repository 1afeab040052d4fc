//! Requests of `jabber:iq:privacy` (XEP-0016).

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest};
use nightjar_jid::Jid;
use nightjar_store::Call;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

use super::list::{List, Lists, Subject};
use super::query::{self, Change};
use super::service::{Privacy, contacts, push};
use super::{presence, storage};

/// Lists one account may have.
const LISTS_MAX: usize = 64;

/// In a session's extensions: it knows privacy lists.
#[derive(Default)]
pub(super) struct KnowsLists;

impl IqHandler for Privacy {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            if let Some(session) = &request.session {
                session.extension_or_default::<KnowsLists>();
            }
            if request.is_set { self.set(&request).await } else { self.get(&request).await }
        })
    }
}

fn not_found() -> StanzaError {
    StanzaError::item_not_found().with_text("No privacy list with this name found")
}

fn in_use() -> StanzaError {
    StanzaError::conflict().with_text("The list is in use")
}

impl Privacy {
    async fn get(&self, request: &IqRequest) -> IqReply {
        let name = query::read_get(request.query.root())?;
        let lists = self.load(&request.to).await?;
        Ok(Some(match name {
            Some(name) => query::contents(&name, lists.lists.get(&name).ok_or_else(not_found)?),
            None => {
                let active = request.session.as_ref().and_then(|session| self.active(session));
                query::names(&lists, active.as_ref())
            }
        }))
    }

    async fn set(&self, request: &IqRequest) -> IqReply {
        match query::read_set(request.query.root())? {
            Change::Active(name) => self.choose(request, name).await?,
            Change::Default(name) => self.set_default(request, name).await?,
            Change::Put(name, list) => self.put(request, name, list).await?,
            Change::Remove(name) => self.remove(request, name).await?,
        }
        Ok(None)
    }

    /// §2.4
    async fn choose(&self, request: &IqRequest, name: Option<Text>) -> Result<(), StanzaError> {
        let session = request.session.as_ref().ok_or_else(StanzaError::not_allowed)?;
        let (kernel, host) = self.server()?;
        let lists = self.load(&request.to).await?;
        if name.as_ref().is_some_and(|name| !lists.lists.contains_key(name)) {
            return Err(not_found());
        }
        let before = lists.in_force(self.active(session).as_ref());
        let after = lists.in_force(name.as_ref());
        self.set_active(session, name);
        presence::follow_session(&kernel, &host, session, before, after).await;
        Ok(())
    }

    /// §2.5
    async fn set_default(&self, request: &IqRequest, name: Option<Text>) -> Result<(), StanzaError> {
        let (kernel, host) = self.server()?;
        let others_use_it = self.is_default_used_by_others(&kernel, request);
        let changed = self
            .change(&request.to, |lists, user| {
                if name.as_ref().is_some_and(|name| !lists.lists.contains_key(name)) {
                    return Err(not_found());
                }
                if lists.default == name {
                    return Ok((lists.clone(), Vec::new()));
                }
                if others_use_it && lists.default_list().is_some() {
                    return Err(in_use());
                }
                let call = storage::put_default(user, name.as_ref());
                Ok((Lists { default: name, lists: lists.lists.clone() }, vec![call]))
            })
            .await?;
        presence::follow(self, &kernel, &host, &request.to, &changed).await;
        Ok(())
    }

    fn is_default_used_by_others(&self, kernel: &Kernel, request: &IqRequest) -> bool {
        let sessions = kernel.sessions.resources(&request.to);
        sessions.iter().any(|session| session.jid != request.from && self.active(session).is_none())
    }

    /// §2.6, §2.7
    async fn put(&self, request: &IqRequest, name: Text, list: List) -> Result<(), StanzaError> {
        let (kernel, host) = self.server()?;
        check_groups(&list, contacts(&host, &request.to).await.as_deref())?;
        let list = Arc::new(list);
        let changed = self
            .change(&request.to, |lists, user| {
                let calls = storage::put(user, &name, &list);
                let mut lists = lists.clone();
                lists.lists.insert(name.clone(), Arc::clone(&list));
                if lists.lists.len() > LISTS_MAX {
                    return Err(StanzaError::resource_constraint().with_text("There are too many lists"));
                }
                Ok((lists, calls))
            })
            .await?;
        push(&kernel, &request.to, &query::push(&name), |_| true);
        presence::follow(self, &kernel, &host, &request.to, &changed).await;
        Ok(())
    }

    /// §2.8
    async fn remove(&self, request: &IqRequest, name: Text) -> Result<(), StanzaError> {
        let (kernel, _) = self.server()?;
        let sessions = kernel.sessions.resources(&request.to);
        let is_active = sessions.iter().any(|session| self.active(session).as_ref() == Some(&name));
        self.change(&request.to, |lists, user| removed(lists, user, &name, is_active)).await?;
        push(&kernel, &request.to, &query::push(&name), |_| true);
        Ok(())
    }
}

fn removed(
    lists: &Lists,
    user: &str,
    name: &Text,
    is_active: bool,
) -> Result<(Lists, Vec<Call>), StanzaError> {
    if !lists.lists.contains_key(name) {
        return Err(not_found());
    }
    if is_active || lists.default.as_ref() == Some(name) {
        return Err(in_use());
    }
    let mut after = lists.clone();
    after.lists.remove(name);
    Ok((after, storage::delete(user, name)))
}

/// §2.1: a group in a rule must be one of the roster.
fn check_groups(
    list: &List,
    contacts: Option<&nightjar_base::contacts::ContactList>,
) -> Result<(), StanzaError> {
    let Some(contacts) = contacts else { return Ok(()) };
    let is_known = |group: &Text| contacts.iter().any(|contact| contact.groups.contains(group));
    let missing =
        list.rules().iter().any(|rule| matches!(&rule.subject, Subject::Group(group) if !is_known(group)));
    if missing {
        Err(StanzaError::item_not_found().with_text("The roster has no such group"))
    } else {
        Ok(())
    }
}

impl Privacy {
    /// Tells the clients that know privacy lists that the default one changed.
    pub(super) fn push_default(&self, kernel: &Kernel, account: &Jid, lists: &Lists) {
        if let Some(name) = &lists.default {
            push(kernel, account, &query::push(name), |session| session.extension::<KnowsLists>().is_some());
        }
    }
}
