use crate::testing::{World, status};

#[tokio::test]
async fn requests_reach_their_handlers() {
    let world = World::new("tag: front");
    let told = |method: &str, prefix: &str, path: &str, host: &str| {
        format!("{method} {prefix} {path} host={host} peer=127.0.0.1 tls=false unix=false tag=front\n")
    };
    let one = "one.example";
    let table = [
        ("GET /api/a/b HTTP/1.1\nHost: one.example", 200, told("GET", "/api", r#"["a", "b"]"#, one)),
        ("GET /api HTTP/1.1\nHost: ONE.example:5280", 200, told("GET", "/api", "[]", one)),
        ("GET /api/ HTTP/1.1\nHost: one.example.", 200, told("GET", "/api", r#"[""]"#, one)),
        (
            "GET /api//x?y=/../z HTTP/1.1\nHost: two.example",
            200,
            told("GET", "/api", r#"["x"]"#, "two.example"),
        ),
        ("GET /api/%c3%bc%20 HTTP/1.1\nHost: [::1]:80", 200, told("GET", "/api", r#"["ü "]"#, one)),
        ("PUT /api HTTP/1.1\nHost: nowhere.example", 200, told("PUT", "/api", "[]", one)),
        ("PATCH /api HTTP/1.0", 200, told("PATCH", "/api", "[]", one)),
        (
            "GET http://two.example/api HTTP/1.1\nHost: one.example",
            200,
            told("GET", "/api", "[]", "two.example"),
        ),
        ("GET /two HTTP/1.1\nHost: two.example", 200, told("GET", "/two", "[]", "two.example")),
        ("GET /two HTTP/1.1\nHost: one.example", 404, "Nothing is here.\n".to_owned()),
        ("GET /two HTTP/1.1\nHost: 127.0.0.1", 200, told("GET", "/two", "[]", one)),
        ("GET /apix HTTP/1.1\nHost: one.example", 404, "Nothing is here.\n".to_owned()),
        ("GET / HTTP/1.1\nHost: one.example", 404, "Nothing is here.\n".to_owned()),
        ("GET /none HTTP/1.1\nHost: one.example", 404, "Nothing is here.\n".to_owned()),
        ("HEAD /api HTTP/1.1\nHost: one.example", 200, String::new()),
        ("OPTIONS * HTTP/1.1\nHost: one.example", 204, String::new()),
        ("BREW /api HTTP/1.1\nHost: one.example", 501, "This method is not known.\n".to_owned()),
        ("TRACE /api HTTP/1.1\nHost: one.example", 405, "This method is not allowed.\n".to_owned()),
        (
            "GET /panic HTTP/1.1\nHost: one.example",
            500,
            "Something went wrong here; the log says more.\n".to_owned(),
        ),
    ];
    for (head, status, body) in table {
        assert_eq!(world.ask(head).await, (status, body), "{head}");
    }
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let world = World::new("custom_headers: {X-Served-By: \"@HOST@\", Content-Type: text/html}");
    let answer = world.send("GET /api HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    for field in ["x-served-by: two.example", "content-type: text/html", "x-content-type-options: nosniff"] {
        assert_eq!(answer.matches(field).count(), 1, "{field}: {answer}");
    }
}
