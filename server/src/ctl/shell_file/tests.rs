use super::read;

/// `set` is what the file sets, `NAME=VALUE` in the order of names, with ` | ` between.
fn check(text: &str, set: &str, lines: &[usize]) {
    let outside = |name: &str| (name == "HOME").then(|| "/home/op".to_owned());
    let (variables, warnings) = read(text, &outside);
    let got: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(got.join(" | "), set, "{text}");
    let starts: Vec<_> = lines.iter().map(|line| format!("line {line}:")).collect();
    assert_eq!(warnings.len(), lines.len(), "{text}: {warnings:?}");
    for (warning, start) in warnings.iter().zip(starts) {
        assert!(warning.starts_with(&start), "{text}: {warning}");
    }
}

#[test]
fn assignments_are_followed_as_a_shell_would() {
    check("# comment\n\nPOLL=true # why\n", "POLL=true", &[]);
    check("A='one two'\nB=\"x $A\"y\nC=$A", "A=one two | B=x one twoy | C=one two", &[]);
    check("export A=1 B=2; C=3\nexport A\n", "A=1 | B=2 | C=3", &[]);
    check("A=${HOME}/x\nB=\"${UNSET:-u}\"\nC=a#b", "A=/home/op/x | B=u | C=a#b", &[]);
    check(": \"${A:=\"$HOME/d\"}\"\nB=$A", "A=/home/op/d | B=/home/op/d", &[]);
    check("A=\"-setcookie \\\"c\\\"\"\nB=a\\ b\nC=one\\\ntwo", "A=-setcookie \"c\" | B=a b | C=onetwo", &[]);
    check("A='two\nlines'\nB=1", "A=two\nlines | B=1", &[]);
    check("A=$\nB=", "A=$ | B=", &[]);
    check("\tA=1\r\nB=2\r\n", "A=1 | B=2", &[]);
}

#[test]
fn what_would_have_to_be_run_is_told_and_passed_over() {
    check("A=1\nrm -rf /\nB=2", "A=1 | B=2", &[2]);
    check("A=$(hostname)\nB=`id`\nC=\"$(id)\"\nD=1", "D=1", &[1, 2, 3]);
    check("A=1 | tee x\nB=2", "B=2", &[1]);
    check("if [ -f x ]; then\n  A=1\nfi\nB=2", "B=2", &[1]);
    check("ulimit -n 65536\nA='open", "", &[1, 2]);
    check("1A=2\n${!X}\n", "", &[1, 2]);
    check(". /etc/other\n", "", &[1]);
}
