//! From a client's query to one keyset query of the database (XEP-0313 §4, XEP-0059).

use nightjar_jid::Jid;
use nightjar_store::{Params, Statement, Store, StoreError, Value};
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::forms::DataForm;
use nightjar_xmpp::rsm::{Position, Request};
use nightjar_xmpp::{StanzaError, datetime};

/// Messages of one page unless the client says how many, and at most.
const PAGE_DEFAULT: u32 = 50;
const PAGE_MAX: u32 = 250;
/// Identifiers asked for by name at most.
const IDS_MAX: usize = 100;
/// The name XEP-0431 gives the field; ejabberd calls it `withtext`.
const FULL_TEXT: &str = "{urn:xmpp:fulltext:0}fulltext";

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub with: Option<Jid>,
    /// Microseconds, inclusive.
    pub start: Option<i64>,
    pub end: Option<i64>,
    /// Identifiers, exclusive.
    pub after: Option<i64>,
    pub before: Option<i64>,
    /// The same without the bounds of the page.
    pub form_after: Option<i64>,
    pub form_before: Option<i64>,
    pub ids: Vec<i64>,
    pub text: Option<Text>,
    /// Whether the page is the last one rather than the first.
    pub backwards: bool,
    pub limit: u32,
    /// Identifiers that must exist, or the query fails (§4.1.1, XEP-0059 §2.2).
    pub named: Vec<i64>,
    /// Whether results come in reverse order (§4.4).
    pub flip: bool,
}

/// One archived message.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub id: i64,
    pub xml: Text,
}

/// Reads `<query/>`.
///
/// # Errors
/// `bad-request` for a field that can't be understood, `item-not-found` for an identifier that can't exist.
pub(super) fn parse(query: ElementRef<'_>) -> Result<Filter, StanzaError> {
    let mut filter = Filter { limit: PAGE_DEFAULT, ..Filter::default() };
    if let Some(form) = DataForm::of(query)? {
        read_form(&form, &mut filter)?;
    }
    (filter.form_after, filter.form_before) = (filter.after, filter.before);
    filter.flip = query.child("flip-page", nightjar_xmpp::ns::MAM).is_some();
    if let Some(page) = Request::of(query)? {
        read_page(&page, &mut filter)?;
    }
    Ok(filter)
}

fn read_form(form: &DataForm, filter: &mut Filter) -> Result<(), StanzaError> {
    for field in &form.fields {
        let Some(value) = field.values.first().map(String::as_str) else { continue };
        match field.var.as_str() {
            "FORM_TYPE" => {}
            "with" => {
                filter.with = Some(Jid::parse(value).map_err(|_| StanzaError::jid_malformed())?.detach())
            }
            "start" => filter.start = Some(time(value)?),
            "end" => filter.end = Some(time(value)?),
            "after-id" => bound(&mut filter.after, value, &mut filter.named)?,
            "before-id" => bound(&mut filter.before, value, &mut filter.named)?,
            "ids" => {
                let ids: Result<Vec<i64>, _> = field.values.iter().map(|value| id(value)).collect();
                filter.ids = ids?;
                if filter.ids.len() > IDS_MAX {
                    return Err(StanzaError::resource_constraint().with_text("Too many identifiers"));
                }
                filter.named.extend(&filter.ids);
            }
            "withtext" | FULL_TEXT => filter.text = Some(Text::new(value)),
            // §4.1: a field that isn't known must not be ignored silently.
            _ => return Err(StanzaError::feature_not_implemented()),
        }
    }
    Ok(())
}

fn time(value: &str) -> Result<i64, StanzaError> {
    datetime::parse(value).ok_or_else(|| StanzaError::bad_request().with_text("start and end are times"))
}

fn id(value: &str) -> Result<i64, StanzaError> {
    value.parse().map_err(|_| StanzaError::item_not_found())
}

fn bound(slot: &mut Option<i64>, value: &str, named: &mut Vec<i64>) -> Result<(), StanzaError> {
    let id = id(value)?;
    named.push(id);
    *slot = Some(id);
    Ok(())
}

fn read_page(page: &Request, filter: &mut Filter) -> Result<(), StanzaError> {
    if let Some(max) = page.max {
        filter.limit = max.min(PAGE_MAX);
    }
    // A page is inside what the form asks for: the narrower bound counts.
    let mut narrow = |after: Option<&Text>, before: Option<&Text>| -> Result<(), StanzaError> {
        if let Some(after) = after {
            let after = id(after)?;
            filter.named.push(after);
            filter.after = Some(filter.after.map_or(after, |other| other.max(after)));
        }
        if let Some(before) = before {
            let before = id(before)?;
            filter.named.push(before);
            filter.before = Some(filter.before.map_or(before, |other| other.min(before)));
        }
        Ok(())
    };
    match &page.position {
        Position::First => {}
        Position::After(after) => narrow(Some(after), None)?,
        Position::Before(before) => {
            narrow(None, Some(before))?;
            filter.backwards = true;
        }
        Position::Between { after, before } => narrow(Some(after), Some(before))?,
        Position::Last => filter.backwards = true,
        Position::Index(_) => return Err(StanzaError::feature_not_implemented()),
    }
    Ok(())
}

/// The statement and parameters of a filter. One more row than the page has tells whether there are more.
fn statement(filter: &Filter, user: &str) -> (&'static Statement, Params) {
    let (mut sql, mut params) = conditions(filter, user, "timestamp, xml");
    sql.push_str(if filter.backwards {
        " ORDER BY timestamp DESC LIMIT ?"
    } else {
        " ORDER BY timestamp LIMIT ?"
    });
    params.push(Value::Int(i64::from(filter.limit) + 1));
    (Statement::interned(&sql), params)
}

fn conditions(filter: &Filter, user: &str, columns: &str) -> (String, Params) {
    let mut sql = format!("SELECT {columns} FROM archive WHERE username = ? AND {{host}}");
    let mut params: Params = vec![Value::from(user)];
    let mut add = |condition: &str, value: Value| {
        sql.push_str(condition);
        params.push(value);
    };
    if let Some(with) = &filter.with {
        let condition = if with.is_full() { " AND peer = ?" } else { " AND bare_peer = ?" };
        add(condition, Value::from(with.as_str()));
    }
    let bounds = [
        (" AND timestamp >= ?", filter.start),
        (" AND timestamp <= ?", filter.end),
        (" AND timestamp > ?", filter.after),
        (" AND timestamp < ?", filter.before),
    ];
    for (condition, value) in bounds {
        if let Some(value) = value {
            add(condition, Value::Int(value));
        }
    }
    if let Some(text) = &filter.text {
        add(" AND {search:txt}", Value::Text(text.clone()));
    }
    if !filter.ids.is_empty() {
        let marks = vec!["?"; filter.ids.len()].join(", ");
        sql.push_str(&format!(" AND timestamp IN ({marks})"));
        params.extend(filter.ids.iter().map(|id| Value::Int(*id)));
    }
    (sql, params)
}

/// How many messages a filter finds on all its pages (XEP-0059 §2.6).
pub(super) async fn count(store: &Store, user: &str, filter: &Filter) -> Result<i64, StoreError> {
    let whole = Filter { after: filter.form_after, before: filter.form_before, ..filter.clone() };
    let (sql, params) = conditions(&whole, user, "COUNT(*)");
    let row = store.query_one(Statement::interned(&sql), params).await?;
    Ok(row.map(|row| row.int(0)).transpose()?.unwrap_or(0))
}

/// A page, oldest first, and whether it is the last one in its direction.
pub(super) async fn run(
    store: &Store,
    user: &str,
    filter: &Filter,
) -> Result<(Vec<Found>, bool), StoreError> {
    let (statement, params) = statement(filter, user);
    let rows = store.query(statement, params).await?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let complete = rows.len() <= limit;
    let found: Result<Vec<Found>, StoreError> =
        rows.iter().take(limit).map(|row| Ok(Found { id: row.int(0)?, xml: row.text(1)? })).collect();
    let mut found = found?;
    if filter.backwards {
        found.reverse();
    }
    Ok((found, complete))
}

#[cfg(test)]
mod tests {
    use nightjar_text::Text;
    use nightjar_xml::Element;
    use nightjar_xmpp::{Condition, StanzaError, ns};

    use super::{Filter, PAGE_MAX, parse};

    fn filter(inside: &str) -> Result<Filter, StanzaError> {
        let xml = Text::from(format!("<query xmlns='urn:xmpp:mam:2'>{inside}</query>"));
        parse(Element::parse(&xml, ns::CLIENT).unwrap().root())
    }

    fn form(fields: &str) -> String {
        format!(
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>\
             <value>urn:xmpp:mam:2</value></field>{fields}</x>"
        )
    }

    fn field(var: &str, value: &str) -> String {
        format!("<field var='{var}'><value>{value}</value></field>")
    }

    #[test]
    fn fields_of_xep_0313_4_1() {
        let found =
            filter(&form(&(field("with", "Juliet@capulet.lit") + &field("start", "2010-06-07T00:00:00Z"))))
                .unwrap();
        assert_eq!(found.with.unwrap().as_str(), "juliet@capulet.lit");
        assert_eq!(found.start, Some(1_275_868_800_000_000));
    }

    #[test]
    fn pages_of_xep_0059() {
        let set = |inside: &str| format!("<set xmlns='http://jabber.org/protocol/rsm'>{inside}</set>");
        let after = filter(&set("<max>10</max><after>28482</after>")).unwrap();
        assert_eq!((after.limit, after.after, after.backwards), (10, Some(28482), false));
        let last = filter(&set("<max>100000</max><before/>")).unwrap();
        assert_eq!((last.limit, last.before, last.backwards), (PAGE_MAX, None, true));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let condition = |inside: &str| filter(inside).unwrap_err().condition;
        assert_eq!(condition(&form(&field("nonsense", "1"))), Condition::FeatureNotImplemented);
        assert_eq!(condition(&form(&field("start", "yesterday"))), Condition::BadRequest);
        assert_eq!(condition(&form(&field("after-id", "' OR 1=1 --"))), Condition::ItemNotFound);
        assert_eq!(
            condition(
                "<set xmlns='http://jabber.org/protocol/rsm'><after>1'; DROP TABLE archive</after></set>"
            ),
            Condition::ItemNotFound
        );
    }
}
