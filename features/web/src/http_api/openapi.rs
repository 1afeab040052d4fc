//! An OpenAPI 3.1 document of the commands, made from their declarations.

mod schema;

use std::sync::Arc;

use http::StatusCode;
use nightjar_base::Kernel;
use nightjar_base::commands::{CommandSpec, Shape};
use nightjar_base::http::{Request, Response, json};
use serde_json::{Map, Value as Json, json};

use schema::{argument, query_argument, result};

/// The document, for calls that name this version.
pub(super) fn answer(kernel: &Arc<Kernel>, request: &Request, version: u32) -> Response {
    let prefix = request.prefix.trim_end_matches('/');
    json(StatusCode::OK, &document(kernel, if prefix.is_empty() { "/" } else { prefix }, version))
}

fn document(kernel: &Kernel, server: &str, version: u32) -> Json {
    let mut paths = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    let mut newest = 0;
    for spec in kernel.commands.all() {
        let forms = kernel.commands.forms(spec.name);
        let Some(meant) = forms.iter().rev().find(|form| form.version <= version) else { continue };
        if meant.tags.contains(&"internal") {
            continue;
        }
        tags.extend(meant.tags);
        newest = newest.max(spec.version);
        paths.insert(format!("/{}", spec.name), path(meant, version, ""));
        for form in forms.iter().filter(|_| forms.len() > 1) {
            let suffix = format!("/v{}", form.version);
            paths.insert(format!("/{}{suffix}", spec.name), path(form, form.version, &suffix));
        }
    }
    tags.sort_unstable();
    tags.dedup();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Administration commands",
            "description": "The names, arguments, results and errors are those of ejabberd's mod_http_api.",
            "version": newest.min(version).to_string(),
        },
        "servers": [{"url": server}],
        "tags": tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": {"Problem": problem(), "Reason": {"type": "string"}},
            "securitySchemes": {
                "password": {"type": "http", "scheme": "basic", "description": "The account's address and password."},
                "token": {"type": "http", "scheme": "bearer", "description": "A token of oauth_issue_token."},
            },
        },
        // Whoever api_permissions lets in without an account, such as by address, needs nothing.
        "security": [{}, {"password": []}, {"token": []}],
    })
}

fn problem() -> Json {
    json!({
        "type": "object",
        "properties": {
            "status": {"const": "error"},
            "code": {"type": "integer", "description": "10090: it exists already; 32: api_permissions doesn't allow it."},
            "message": {"type": "string"},
        },
        "required": ["status", "code", "message"],
        "additionalProperties": false,
    })
}

fn path(spec: &CommandSpec, version: u32, suffix: &str) -> Json {
    let name = format!("{}{}", spec.name, suffix.replace('/', "_"));
    let mut post = operation(spec, version, &name);
    let mut get = operation(spec, version, &format!("{name}_by_query"));
    if let Json::Object(post) = &mut post {
        let content = json!({"application/json": {"schema": arguments(spec)}});
        post.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    if let Json::Object(get) = &mut get {
        let parameters = spec.arguments.iter().filter_map(query_argument).collect::<Vec<_>>();
        get.insert("parameters".to_owned(), json!(parameters));
    }
    json!({"post": post, "get": get})
}

fn arguments(spec: &CommandSpec) -> Json {
    let properties: Map<String, Json> =
        spec.arguments.iter().map(|field| (field.name.to_owned(), argument(field))).collect();
    let needed = spec.arguments.iter().filter(|field| !matches!(field.shape, Shape::List(_)));
    let required: Vec<&str> = needed.map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn operation(spec: &CommandSpec, version: u32, name: &str) -> Json {
    let reason = json!({"$ref": "#/components/schemas/Reason"});
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let either = json!({"anyOf": [reason, problem]});
    let answer = |description: &str, schema: &Json| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    json!({
        "operationId": name,
        "summary": spec.doc,
        "tags": spec.tags,
        "responses": {
            "200": answer("The result.", &result(spec, version)),
            "400": answer("Arguments that don't fit, or the command failed.", &either),
            "401": answer("Credentials that don't hold.", &either),
            "403": answer("The caller may not.", &problem),
            "404": answer("What is named doesn't exist.", &either),
            "409": answer("What is to be made exists already.", &problem),
            "413": {
                "description": "The body is too long.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            "500": answer("The command or the server failed.", &either),
        },
    })
}

#[cfg(test)]
mod tests;
