//! `/oauth/token`: a token for an account's password (RFC 6749 §4.3).

use std::collections::HashMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, Method, StatusCode};
use nightjar_base::Kernel;
use nightjar_base::attempts::Protocol;
use nightjar_base::commands::CommandError;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, Request, Response, json, read, text};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use serde_json::json;

use super::clients;
use super::tokens::{Tokens, joined, split};
use crate::http_api::authorization::decode;

/// A longer form is refused.
const BODY_MAX: usize = 64 * 1024;

/// The handler `ejabberd_oauth`.
pub(crate) struct Endpoint;

/// An error of RFC 6749 §5.2, and its description.
struct Refused(StatusCode, &'static str, &'static str);

const UNSUPPORTED: Refused =
    Refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant type");
const NO_CLIENT: Refused = Refused(StatusCode::UNAUTHORIZED, "invalid_client", "Access denied");
const NO_JID: Refused = Refused(StatusCode::BAD_REQUEST, "invalid_request", "Invalid JID");
const NO_SECONDS: Refused = Refused(StatusCode::BAD_REQUEST, "invalid_request", "Invalid ttl");
const NO_ACCESS: Refused = Refused(StatusCode::BAD_REQUEST, "invalid_grant", "Access denied");
const NO_SCOPE: Refused = Refused(StatusCode::BAD_REQUEST, "invalid_grant", "Invalid scope");
const BROKEN: Refused =
    Refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Try again later");

type Form = HashMap<String, String>;

impl HttpHandler for Endpoint {
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            if request.path != ["token"] {
                return text(StatusCode::NOT_FOUND, "Not found\n");
            }
            let mut response = if request.head.method == Method::POST {
                answer(kernel, request).await
            } else {
                text(StatusCode::METHOD_NOT_ALLOWED, "Only POST is answered.\n")
            };
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
            response
        })
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Response {
    let client = request.head.headers.get(AUTHORIZATION).and_then(|field| {
        let (scheme, value) = field.to_str().ok()?.split_once(' ')?;
        decode(value.trim()).filter(|_| scheme.eq_ignore_ascii_case("basic"))
    });
    let peer = request.peer;
    let body = match read(request.body, BODY_MAX).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let form: Form = form_urlencoded::parse(&body).into_owned().collect();
    match issue(kernel, &form, client, peer).await {
        Ok(response) => response,
        Err(Refused(status, error, description)) => {
            json(status, &json!({"error": error, "error_description": description}))
        }
    }
}

async fn issue(
    kernel: &Arc<Kernel>,
    form: &Form,
    client: Option<(String, Secret)>,
    peer: Option<std::net::IpAddr>,
) -> Result<Response, Refused> {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    admit(kernel, client.unwrap_or_else(|| (field("client_id").to_owned(), field("client_secret").into())))
        .await?;
    if field("grant_type") != "password" {
        return Err(UNSUPPORTED);
    }
    let jid = Jid::parse(field("username")).map_err(|_| NO_JID)?;
    let user = jid.local().ok_or(NO_JID)?;
    let default = || {
        kernel
            .config()
            .global
            .duration("oauth_expire")
            .map_or(i64::MAX, |life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX))
    };
    let seconds = match field("ttl") {
        "" => default(),
        ttl => ttl.parse().ok().filter(|seconds| *seconds > 0).ok_or(NO_SECONDS)?,
    };
    let password = Secret::from(field("password"));
    let known = kernel.authenticate_from(user, jid.domain(), &password, peer, Protocol::Http).await;
    let jid = known.map_err(|error| match error {
        CommandError::NotAllowed(_) => NO_ACCESS,
        _ => BROKEN,
    })?;
    let scopes = split(field("scope"), ' ');
    let scope = joined(&scopes);
    let issued = kernel.shared::<Tokens>().issue(kernel, jid, scopes, seconds).await;
    let token = issued.map_err(|error| match error {
        CommandError::Failed(why) if why == "invalid_scope" => NO_SCOPE,
        CommandError::Failed(_) => NO_ACCESS,
        _ => BROKEN,
    })?;
    Ok(json(
        StatusCode::OK,
        &json!({
            "access_token": token.as_str(),
            "token_type": "bearer",
            "scope": scope,
            "expires_in": seconds,
        }),
    ))
}

/// Whether the program may ask, by `oauth_client_id_check`.
async fn admit(kernel: &Kernel, (id, secret): (String, Secret)) -> Result<(), Refused> {
    match kernel.config().global.text("oauth_client_id_check").as_str() {
        "allow" => Ok(()),
        "db" => match clients::has_secret(kernel, &id, &secret).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NO_CLIENT),
            Err(_) => Err(BROKEN),
        },
        _ => Err(NO_CLIENT),
    }
}
