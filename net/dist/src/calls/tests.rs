use super::*;
use crate::testing::{Testing, async_test};

fn context() -> Context {
    Context {
        peer: "abc-ctl-nj@localhost".to_owned(),
        address: "127.0.0.1".parse().unwrap(),
        own: "nj@localhost".to_owned(),
        connected: vec!["abc-ctl-nj@localhost".to_owned()],
    }
}

/// What a call prints, and `return T`, `throw T`, `error T` or `undefined`.
async fn said(module: &str, function: &str, arguments: &[Term]) -> (String, String) {
    let answered = answer(&*Testing::new(), &context(), module, function, arguments).await;
    let outcome = match answered.outcome {
        Outcome::Return(term) => format!("return {term}"),
        Outcome::Throw(term) => format!("throw {term}"),
        Outcome::Error(term) => format!("error {term}"),
        Outcome::Exit(term) => format!("exit {term}"),
        Outcome::Undefined => "undefined".to_owned(),
    };
    (answered.printed.unwrap_or_default(), outcome)
}

fn words(words: &[&str]) -> Term {
    Term::list(words.iter().map(|word| Term::charlist(word)))
}

#[test]
fn the_command_line_gets_words_and_gives_text_and_a_code() {
    async_test(async {
        let by = "for abc-ctl-nj@localhost at true\n";
        let version = [words(&["register", "ü"]), Term::Integer(2)];
        let rows: [(&[Term], String, &str); 6] = [
            (&[words(&["status"])], format!("[\"status\"] {by}"), "return 3"),
            (&version, format!("[\"--version\", \"2\", \"register\", \"ü\"] {by}"), "return 3"),
            (&[words(&[""])], format!("[] {by}"), "return 3"),
            (&[words(&["a", ""])], format!("[\"a\", \"\"] {by}"), "return 3"),
            (&[Term::Integer(1)], String::new(), "error badarg"),
            (&[], String::new(), "undefined"),
        ];
        for (arguments, printed, outcome) in rows {
            assert_eq!(said("ejabberd_ctl", "process", arguments).await, (printed, outcome.to_owned()));
        }
    });
}

#[test]
fn commands_are_called_with_terms() {
    async_test(async {
        let greet = |arguments: Term| [Term::atom("greet"), arguments];
        let two = Term::list([Term::text("tea"), Term::Integer(2)]);
        let info = Term::Map(vec![(Term::atom("caller_module"), Term::atom("ejabberd_ctl"))]);
        let rows: Vec<(Vec<Term>, &str)> = vec![
            (greet(two.clone()).to_vec(), "return [<<\"Hello tea\">>,<<\"Hello tea\">>]"),
            (
                [&greet(two.clone())[..], std::slice::from_ref(&info)].concat(),
                "return [<<\"Hello tea\">>,<<\"Hello tea\">>]",
            ),
            (
                [&greet(two.clone())[..], &[info.clone(), Term::Integer(1)]].concat(),
                "return [<<\"Hello tea\">>,<<\"Hello tea\">>]",
            ),
            ([&greet(two)[..], &[info, Term::text("x")]].concat(), "error badarg"),
            (greet(Term::NIL).to_vec(), "throw {error,{bad_argument,\"2 arguments are wanted, not 0\"}}"),
            (
                greet(Term::list([Term::Integer(1), Term::Integer(1)])).to_vec(),
                "throw {error,{bad_argument,\"user must be text\"}}",
            ),
            (
                greet(Term::list([Term::text("tea"), Term::Integer(0)])).to_vec(),
                "throw {error,\"no greeting\"}",
            ),
            (vec![Term::atom("nonsense"), Term::NIL], "throw {error,unknown_command}"),
            (vec![Term::atom("stop"), Term::NIL], "throw {error,access_rules_unauthorized}"),
            (vec![Term::atom("stop")], "undefined"),
        ];
        for (arguments, wanted) in rows {
            let (_, outcome) = said("ejabberd_commands", "execute_command2", &arguments).await;
            assert_eq!(outcome, wanted, "{arguments:?}");
        }
        let administer = said("ejabberd_admin", "greet", &[Term::text("tea"), Term::Integer(1)]).await;
        assert_eq!(administer.1, "return [<<\"Hello tea\">>]");
        assert_eq!(said("ejabberd_admin", "greet", &[]).await.1, "undefined", "another arity");
        assert_eq!(said("init", "stop", &[]).await.1, "throw {error,access_rules_unauthorized}");
    });
}

#[test]
fn questions_about_the_node() {
    async_test(async {
        let atom = |name: &str| vec![Term::atom(name)];
        let rows: Vec<(&str, &str, Vec<Term>, &str)> = vec![
            ("erlang", "node", vec![], "return nj@localhost"),
            ("erlang", "nodes", vec![], "return []"),
            ("erlang", "nodes", atom("hidden"), "return ['abc-ctl-nj@localhost']"),
            ("erlang", "is_alive", vec![], "return true"),
            ("erlang", "system_info", atom("system_version"), "return \"Nightjar 1.2.3\\n\""),
            ("erlang", "system_info", atom("nonsense"), "error badarg"),
            ("init", "get_status", vec![], "return {started,started}"),
            ("net_adm", "ping", atom("nj@localhost"), "return pong"),
            ("os", "cmd", vec![Term::charlist("id")], "undefined"),
            ("erlang", "halt", vec![], "undefined"),
            ("file", "read_file", vec![Term::charlist("/etc/passwd")], "undefined"),
            ("erl_eval", "exprs", vec![], "undefined"),
        ];
        for (module, function, arguments, wanted) in rows {
            assert_eq!(said(module, function, &arguments).await.1, wanted, "{module}:{function}");
        }
        let (_, applications) = said("application", "which_applications", &[]).await;
        assert!(applications.contains("{ejabberd,") && applications.contains("\"1.2.3\""), "{applications}");
    });
}
