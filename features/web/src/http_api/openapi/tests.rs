use serde_json::Value as Json;

use crate::testing::{Ask, World};

#[tokio::test]
async fn the_document_is_made_of_the_declarations() {
    let world = World::new().await;
    let (status, body) = world.ask(Ask::new("GET", "/openapi.json")).await;
    assert_eq!(status, 200);
    let document: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/api");
    let paths = document["paths"].as_object().unwrap();
    assert!(!paths.contains_key("/inner"), "an internal command is shown");
    for path in
        ["/status", "/count", "/count/v0", "/count/v2", "/oauth_issue_token/v0", "/oauth_issue_token/v1"]
    {
        assert!(paths.contains_key(path), "{path}");
    }
    let schema = |path: &str, way: &str| document["paths"][path]["post"].pointer(way).unwrap().clone();
    let body = "/requestBody/content/application~1json/schema";
    let result = "/responses/200/content/application~1json/schema";
    for (path, way, wanted) in [
        (
            "/stats",
            body,
            r#"{"additionalProperties":false,"properties":{"name":{"type":"string"}},"required":["name"],"type":"object"}"#,
        ),
        (
            "/list",
            body,
            r#"{"additionalProperties":false,"properties":{"names":{"anyOf":[{"items":{"type":"string"},"type":"array"},{"type":"string"}]}},"required":[],"type":"object"}"#,
        ),
        ("/list", result, r#"{"items":{"type":"string"},"type":"array"}"#),
        ("/status", result, r#"{"type":"string"}"#),
        ("/stop", result, r#"{"description":"0 is yes, 1 is no.","enum":[0,1]}"#),
        (
            "/count/v0",
            result,
            r#"{"additionalProperties":false,"properties":{"count":{"type":"integer"}},"required":["count"],"type":"object"}"#,
        ),
    ] {
        assert_eq!(schema(path, way).to_string(), wanted, "{path} {way}");
    }
    let query = &document["paths"]["/sum"]["get"]["parameters"];
    let wanted = r#"[{"in":"query","name":"numbers","required":false,"schema":{"pattern":"^-?[0-9]{1,18}$","type":"string"}}]"#;
    assert_eq!(query.to_string(), wanted);
    let (_, old) = world.ask(Ask::new("GET", "/v0/openapi.json")).await;
    let old: Json = serde_json::from_str(&old).unwrap();
    let count = &old["paths"]["/count"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(count["properties"].to_string(), "{}");
}
