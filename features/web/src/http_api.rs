//! mod_http_api: administration commands as JSON over HTTP.

pub(crate) mod answers;
pub(crate) mod authorization;
mod openapi;
mod target;

use std::sync::Arc;

use http::Method;
use http::request::Parts;
use nightjar_base::commands::json::{Unreadable, arguments_from_json, parse};
use nightjar_base::commands::{CommandSpec, Policy};
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{self as web, HttpHandler, Request, Response};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::{ModuleSpec, OptionSpec, Options, Value};
use nightjar_jid::Jid;
use serde_json::{Map, Value as Json, json};

use authorization::Asker;
use target::Target;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_http_api",
    doc: "Takes administration commands over HTTP, as JSON.",
    options: &[OptionSpec {
        name: "default_version",
        kind: "int 0..3|string",
        default: "unset",
        doc: "The API version of calls that name none, or the ejabberd version whose API is meant; the latest if unset.",
    }],
};

/// The API version of a call where nothing names one: the newest.
const NEWEST: u32 = 1_000_000;
/// A longer body is refused.
const BODY_MAX: usize = 1024 * 1024;

struct HttpApi {
    default_version: u32,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let default_version = default_version(&context.options);
        let mut registration = context.registration();
        registration.http(SPEC.name, Arc::new(HttpApi { default_version }));
        Ok(registration)
    })
}

/// A number, or the newest version that an ejabberd had.
fn default_version(options: &Options) -> u32 {
    match options.typed("default_version") {
        Value::Int(number) => u32::try_from(*number).unwrap_or(NEWEST),
        Value::Text(release) if release.as_str() >= "24.06" => 2,
        Value::Text(release) if release.as_str() > "23.10" => 1,
        Value::Text(_) => 0,
        _ => NEWEST,
    }
}

impl HttpHandler for HttpApi {
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let mut response = match request.head.method {
                Method::OPTIONS => answers::preflight(),
                Method::GET | Method::POST => match self.answer(kernel, request).await {
                    Ok(response) | Err(response) => response,
                },
                _ => answers::method_not_allowed(),
            };
            answers::allow_origins(response.headers_mut());
            response
        })
    }
}

impl HttpApi {
    async fn answer(&self, kernel: &Arc<Kernel>, request: Request) -> Result<Response, Response> {
        let target = Target::read(&request.prefix, &request.path, self.default_version);
        let Target { command, version } = target.ok_or_else(answers::missing_command)?;
        if command == "openapi.json" && request.head.method == Method::GET {
            return Ok(openapi::answer(kernel, &request, version));
        }
        let spec = kernel.commands.find(command, Some(version)).ok_or_else(answers::unknown_command)?;
        let caller = authorization::caller(kernel, Asker::of(&request)).await;
        let caller = caller.map_err(|refusal| answers::unauthorized(&refusal))?;
        let given = if request.head.method == Method::GET {
            from_query(&request.head)
        } else {
            from_body(&web::read(request.body, BODY_MAX).await?)
        };
        let given = complete(spec, given.map_err(answers::bad_request)?, caller.jid.as_ref());
        let result = match arguments_from_json(spec, &given) {
            Ok(arguments) => kernel.run_command(spec, caller, arguments).await,
            Err(error) => Err(error),
        };
        Ok(answers::result(spec, version, result))
    }
}

/// The arguments in the query, all of them text.
fn from_query(head: &Parts) -> Result<Json, String> {
    let mut given = Map::new();
    for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        if given.insert(name.to_string(), json!(value)).is_some() {
            return Err(duplicate(&name));
        }
    }
    Ok(Json::Object(given))
}

fn from_body(body: &[u8]) -> Result<Json, String> {
    if body.is_empty() {
        return Err("Missing POST data".to_owned());
    }
    if body.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    parse(body).map_err(|error| match error {
        Unreadable::Malformed => "Invalid JSON input".to_owned(),
        Unreadable::Duplicate(name) => duplicate(&name),
    })
}

fn duplicate(name: &str) -> String {
    format!("Request have duplicate argument: {name}")
}

/// Commands about one's own account need not name it.
fn complete(spec: &CommandSpec, mut given: Json, jid: Option<&Jid>) -> Json {
    if let (Policy::User, Some(jid), Json::Object(arguments)) = (spec.policy, jid, &mut given)
        && !["user", "host", "server"].iter().any(|name| arguments.contains_key(*name))
    {
        arguments.insert("user".to_owned(), json!(jid.local().unwrap_or_default()));
        arguments.insert("host".to_owned(), json!(jid.domain()));
    }
    given
}

#[cfg(test)]
mod tests;
