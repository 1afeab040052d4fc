//! Answers in the words and numbers of ejabberd.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use nightjar_base::commands::json::result_to_json;
use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Value};
use nightjar_base::http::{Response, json, text};
use serde_json::json;

use super::authorization::Refusal;

const METHODS: &str = "GET, POST, OPTIONS";

/// What every answer says to browsers.
pub(super) fn allow_origins(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let allowed = HeaderValue::from_static("Content-Type, Authorization, X-Admin");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
}

/// The answer to a browser that asks what it may send.
pub(super) fn preflight() -> Response {
    let mut response = text(StatusCode::OK, "");
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    response.headers_mut().insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

pub(super) fn method_not_allowed() -> Response {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, 40, "Method not allowed.");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

pub(super) fn missing_command() -> Response {
    problem(StatusCode::BAD_REQUEST, 40, "Missing command name.")
}

pub(super) fn unknown_command() -> Response {
    problem(StatusCode::NOT_FOUND, 40, "Endpoint not found.")
}

pub(super) fn bad_request(why: String) -> Response {
    json(StatusCode::BAD_REQUEST, &json!(why))
}

/// An error with a number.
fn problem(status: StatusCode, number: u32, message: &str) -> Response {
    json(status, &json!({"status": "error", "code": number, "message": message}))
}

pub(crate) fn unauthorized(refusal: &Refusal) -> Response {
    let mut response = match refusal {
        Refusal::Credentials => {
            problem(StatusCode::UNAUTHORIZED, 10, "You are not authorized to call this command.")
        }
        Refusal::Token => problem(StatusCode::UNAUTHORIZED, 10, "Oauth Token is invalid or expired."),
        Refusal::Banned(why) => return problem(StatusCode::FORBIDDEN, 10, why),
        Refusal::Unavailable => return json(StatusCode::INTERNAL_SERVER_ERROR, &json!("internal_error")),
    };
    let ways = [r#"Basic realm="ejabberd", charset="UTF-8""#, r#"Bearer realm="ejabberd""#];
    for way in ways {
        response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(way));
    }
    response
}

/// What a command's result becomes.
pub(super) fn result(spec: &CommandSpec, version: u32, result: CommandResult) -> Response {
    let mut response = match result {
        Ok(Value::Told(false, text)) => problem(StatusCode::INTERNAL_SERVER_ERROR, 0, &text),
        Ok(value) => json(StatusCode::OK, &result_to_json(spec, version, &value)),
        Err(error) => failure(&error),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failure(error: &CommandError) -> Response {
    match error {
        CommandError::Unknown(_) => unknown_command(),
        CommandError::Arguments(why) | CommandError::Failed(why) => bad_request(why.clone()),
        CommandError::NotAllowed(why) if why == "access_rules_unauthorized" => problem(
            StatusCode::FORBIDDEN,
            32,
            "AccessRules: Account does not have the right to perform the operation.",
        ),
        CommandError::NotAllowed(why) if why == "frontend_cannot_call_an_internal_command" => {
            bad_request(why.clone())
        }
        CommandError::NotAllowed(why) => json(StatusCode::UNAUTHORIZED, &json!(why)),
        CommandError::Conflict(why) => problem(StatusCode::CONFLICT, 10090, why),
        CommandError::Coded { number, text, .. } => problem(StatusCode::INTERNAL_SERVER_ERROR, *number, text),
        CommandError::NotFound(what) => json(StatusCode::NOT_FOUND, &json!(what)),
        CommandError::Internal(_) => json(StatusCode::INTERNAL_SERVER_ERROR, &json!("internal_error")),
    }
}
