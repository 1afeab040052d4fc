use nightjar_text::Text;

use super::{Routes, segments};

#[test]
fn paths_become_segments() {
    for (path, expected) in [
        ("/", &[""][..]),
        ("/a", &["a"]),
        ("/a/", &["a", ""]),
        ("//a///b", &["a", "b"]),
        ("/%41%2B+", &["A++"]),
        ("/a...", &["a..."]),
    ] {
        assert_eq!(segments(path).unwrap(), expected, "{path}");
    }
}

#[test]
fn the_longest_prefix_wins() {
    let handlers = [("/", "root"), ("/a/b/", "deep"), ("a", "short")];
    let handlers = handlers.map(|(prefix, module)| (Text::new(prefix), Text::new(module)));
    let routes = Routes::new(handlers.iter().map(|(prefix, module)| (prefix, module.clone())));
    for (path, module, rest) in [
        ("/a/b/c", "deep", 1),
        ("/a/bc", "short", 1),
        ("/a", "short", 0),
        ("/ab", "root", 1),
        ("/", "root", 1),
    ] {
        let path = segments(path).unwrap();
        let (route, below) = routes.find(&path).unwrap();
        assert_eq!((route.module.as_str(), below.len()), (module, rest), "{path:?}");
    }
}
