use super::Tally;

fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
    Tally { passed, failed, skipped }
}

#[test]
fn closing_lines_are_read() {
    for (output, wanted) in [
        ("noise\nmain_job: 3 passed, 1 failed, 0 skipped\n", Some(tally(3, 1, 0))),
        ("12 passed, 0 failed, 2 skipped", Some(tally(12, 0, 2))),
        ("a: 1 passed, 0 failed, 0 skipped\nb: 2 passed, 0 failed, 0 skipped", Some(tally(2, 0, 0))),
        ("it passed, and nothing failed or was skipped", None),
        ("", None),
    ] {
        assert_eq!(Tally::last_in(output), wanted, "{output:?}");
    }
}

#[test]
fn nextest_summaries_are_read() {
    for (output, wanted) in [
        ("     Summary [   0.012s] 9 tests run: 7 passed, 2 failed, 1 skipped", Some(tally(7, 2, 1))),
        ("     Summary [   0.012s] 9 tests run: 9 passed (2 slow), 0 skipped", Some(tally(9, 0, 0))),
        (
            "     Summary [   9.000s] 2 tests run: 1 passed, 1 timed out, 0 skipped\nerror: test run failed",
            Some(tally(1, 1, 0)),
        ),
        ("     Summary [   0.1s] 1 test run: 1 passed, 3 skipped", Some(tally(1, 0, 3))),
        ("error: could not compile", None),
    ] {
        assert_eq!(Tally::in_nextest(output), wanted, "{output:?}");
    }
}

#[test]
fn libtest_results_are_summed() {
    let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                  test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
    assert_eq!(Tally::in_libtest(output), Some(tally(5, 1, 1)));
    assert_eq!(Tally::in_libtest("error: could not compile"), None);
}

#[test]
fn a_tally_prints_as_the_plain_closing_line() {
    assert_eq!(tally(1, 2, 3).to_string(), "1 passed, 2 failed, 3 skipped");
}
