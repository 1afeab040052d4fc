//! The table `vcard_search`: what of a vCard can be found (XEP-0055).

use nightjar_store::{Call, Params, Row, Statement, Store, StoreError, like_escape, params};
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::forms::{DataForm, Field, FieldType, FormType};
use nightjar_xmpp::ns;

/// What can be searched: name in forms, label, column, and where it stands in a vCard.
pub(super) struct SearchField {
    pub var: &'static str,
    pub label: &'static str,
    column: &'static str,
    path: &'static [&'static str],
}

const fn field(
    var: &'static str,
    label: &'static str,
    column: &'static str,
    path: &'static [&'static str],
) -> SearchField {
    SearchField { var, label, column, path }
}

/// In ejabberd's order; the first one is the account itself.
pub(super) static FIELDS: [SearchField; 12] = [
    field("user", "User", "username", &[]),
    field("fn", "Full Name", "fn", &["FN"]),
    field("first", "Name", "given", &["N", "GIVEN"]),
    field("middle", "Middle Name", "middle", &["N", "MIDDLE"]),
    field("last", "Family Name", "family", &["N", "FAMILY"]),
    field("nick", "Nickname", "nickname", &["NICKNAME"]),
    field("bday", "Birthday", "bday", &["BDAY"]),
    field("ctry", "Country", "ctry", &["ADR", "CTRY"]),
    field("locality", "City", "locality", &["ADR", "LOCALITY"]),
    field("email", "Email", "email", &["EMAIL", "USERID"]),
    field("orgname", "Organization Name", "orgname", &["ORG", "ORGNAME"]),
    field("orgunit", "Organization Unit", "orgunit", &["ORG", "ORGUNIT"]),
];

static PUT: Statement = Statement::upsert(
    "vcard_search",
    &["lusername"],
    &[
        "username",
        "fn",
        "lfn",
        "given",
        "lgiven",
        "middle",
        "lmiddle",
        "family",
        "lfamily",
        "nickname",
        "lnickname",
        "bday",
        "lbday",
        "ctry",
        "lctry",
        "locality",
        "llocality",
        "email",
        "lemail",
        "orgname",
        "lorgname",
        "orgunit",
        "lorgunit",
    ],
);
static DELETE: Statement = Statement::new("DELETE FROM vcard_search WHERE lusername = ? AND {host}");

/// Bytes of a column that has an index; MySQL takes 191 characters.
const COLUMN_MAX: usize = 190;
/// What "infinity" means for `matches`.
const MATCHES_MAX: u64 = 10_000;

/// The call that makes an account findable by its vCard.
pub(super) fn put(user: &str, vcard: ElementRef<'_>) -> Call {
    let mut row = params![user, user];
    for field in FIELDS.get(1..).unwrap_or_default() {
        let mut value = value_at(vcard, field.path);
        if value.is_empty() && field.var == "email" {
            value = value_at(vcard, &["EMAIL"]);
        }
        let value = shortened(value.trim());
        row.push(value.into());
        row.push(shortened(&value.to_lowercase()).into());
    }
    (&PUT, row)
}

/// The call that makes an account unfindable.
pub(super) fn delete(user: &str) -> Call {
    (&DELETE, params![user])
}

fn value_at(element: ElementRef<'_>, path: &[&str]) -> String {
    let found = path.iter().try_fold(element, |element, name| element.child(name, ns::VCARD));
    found.map(|element| element.text().into_owned()).unwrap_or_default()
}

fn shortened(value: &str) -> &str {
    let mut end = value.len().min(COLUMN_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or_default()
}

/// A condition: column number and pattern.
struct Condition {
    at: usize,
    value: String,
    /// The value ended with `*`: the column begins with it.
    is_prefix: bool,
}

fn conditions(form: &DataForm) -> Vec<Condition> {
    let filled =
        FIELDS.iter().enumerate().filter_map(|(at, field)| Some((at, form.value(field.var)?.trim())));
    let filled = filled.filter(|(_, value)| !value.is_empty());
    let condition = |(at, value): (usize, &str)| match value.strip_suffix('*') {
        Some(prefix) => Condition { at, value: prefix.to_lowercase(), is_prefix: true },
        None => Condition { at, value: value.to_lowercase(), is_prefix: false },
    };
    filled.map(condition).collect()
}

/// The query for these conditions. The first exact one leads, because an index can answer it; every column has a
/// pattern besides, so that there are only a few statements, whatever is asked.
fn statement(conditions: &[Condition]) -> (&'static Statement, Params) {
    let lead = conditions.iter().find(|condition| !condition.is_prefix);
    let mut sql = "SELECT username".to_owned();
    for field in FIELDS.get(1..).unwrap_or_default() {
        sql.push_str(", ");
        sql.push_str(field.column);
    }
    sql.push_str(" FROM vcard_search WHERE {host}");
    let mut values = Params::new();
    let column = |at: usize| FIELDS.get(at).map_or("", |field| field.column);
    if let Some(lead) = lead {
        sql.push_str(&format!(" AND l{} = ?", column(lead.at)));
        values.push(lead.value.as_str().into());
    }
    if !conditions.is_empty() {
        for at in 0..FIELDS.len() {
            sql.push_str(&format!(" AND l{} LIKE ? ESCAPE '^'", column(at)));
            let pattern = match conditions.iter().find(|condition| condition.at == at) {
                None => "%".to_owned(),
                Some(Condition { value, is_prefix: false, .. }) => like_escape(value).to_string(),
                Some(Condition { value, is_prefix: true, .. }) => format!("{}%", like_escape(value)),
            };
            values.push(pattern.into());
        }
    }
    sql.push_str(" ORDER BY lusername LIMIT ?");
    (Statement::interned(&sql), values)
}

/// Searches, and gives the form of results. An empty form finds nothing unless `return_all` is on.
///
/// # Errors
/// If the database fails.
pub(super) async fn find(
    store: &Store,
    form: &DataForm,
    return_all: bool,
    matches: Option<u64>,
    title: String,
) -> Result<DataForm, StoreError> {
    let conditions = conditions(form);
    let rows = if conditions.is_empty() && !return_all {
        Vec::new()
    } else {
        let (statement, mut values) = statement(&conditions);
        let limit = matches.unwrap_or(MATCHES_MAX).min(MATCHES_MAX);
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        store.query(statement, values).await?
    };
    let mut result = DataForm::typed(FormType::Result, ns::SEARCH);
    result.title = Some(title);
    result.reported = FIELDS.iter().enumerate().map(|(at, field)| reported(at, field)).collect();
    result.items = rows.iter().map(|row| item(row, store.host())).collect::<Result<_, StoreError>>()?;
    Ok(result)
}

fn reported(at: usize, field: &SearchField) -> Field {
    if at == 0 {
        return Field::new(FieldType::JidSingle, "jid").with_label("Jabber ID");
    }
    Field::new(FieldType::TextSingle, field.var).with_label(field.label)
}

fn item(row: &Row, host: &str) -> Result<Vec<Field>, StoreError> {
    let mut fields = vec![Field::plain("jid", &format!("{}@{host}", row.text(0)?))];
    for (at, field) in FIELDS.iter().enumerate().skip(1) {
        let value: Text = row.text(at)?;
        fields.push(Field::plain(field.var, &value));
    }
    Ok(fields)
}

/// The form to fill in.
pub(super) fn form(title: String) -> DataForm {
    let mut form = DataForm::typed(FormType::Form, ns::SEARCH);
    form.title = Some(title);
    form.instructions.push(
        "Fill in the form to search for any matching XMPP User (Add * to the end of field to match substring)"
            .to_owned(),
    );
    form.fields.extend(
        FIELDS.iter().map(|field| Field::new(FieldType::TextSingle, field.var).with_label(field.label)),
    );
    form
}

#[cfg(test)]
mod tests;
