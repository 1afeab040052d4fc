//! What was answered survives `kill -9`.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use nightjar_store::{Statement, params};

use super::{ADD, Folder, at, open};

const FILE_VARIABLE: &str = "NIGHTJAR_TEST_KILL_FILE";
const ROUND_VARIABLE: &str = "NIGHTJAR_TEST_KILL_ROUND";
const ROUNDS: usize = 12;

/// Run by the test below in a process of its own: writes until it is killed, and prints what was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let (Ok(file), Ok(round)) = (std::env::var(FILE_VARIABLE), std::env::var(ROUND_VARIABLE)) else { return };
    let store = open(&at(Path::new(&file)));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let (store, round) = (store.clone(), round.clone());
        tasks.spawn(async move {
            for number in 0_u64.. {
                let id = format!("{round}-{task}-{number}");
                // One batch of two rows: both have to be there.
                let second = format!("{id}-second");
                let calls =
                    vec![(&ADD, params![&id, "1", "x".repeat(200)]), (&ADD, params![second, "1", ""])];
                store.transaction(calls).await.unwrap();
                println!("answered {id}");
            }
        });
    }
    tasks.join_next().await;
}

#[tokio::test]
async fn answered_writes_survive_the_death_of_the_process() {
    static ALL: Statement = Statement::new("SELECT username FROM last WHERE {host}");
    let folder = Folder::new("kill");
    let path = folder.file("data.db");
    let mut answered = HashSet::new();
    for round in 0..ROUNDS {
        let before = answered.len();
        write_and_kill(&path, round, 20 + 61 * round, &mut answered);
        assert!(answered.len() > before, "round {round} wrote something");
        let store = open(&at(&path));
        let rows = store.query(&ALL, params![]).await.unwrap();
        let stored: HashSet<String> = rows.iter().map(|row| row.text(0).unwrap().to_string()).collect();
        let lost: Vec<_> = answered
            .iter()
            .filter(|id| !stored.contains(*id) || !stored.contains(&format!("{id}-second")))
            .collect();
        assert!(lost.is_empty(), "round {round}: answered and lost: {lost:?}");
        let halves = stored.iter().filter(|id| !id.ends_with("-second"));
        for id in halves {
            assert!(stored.contains(&format!("{id}-second")), "half a transaction: {id}");
        }
    }
}

/// Kills the writer once `lines` writes were answered; adds all the answers it gave.
fn write_and_kill(path: &Path, round: usize, lines: usize, answered: &mut HashSet<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::writer", "--nocapture", "--test-threads=1"])
        .env(FILE_VARIABLE, path)
        .env(ROUND_VARIABLE, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut line, mut count) = (Vec::new(), 0);
    while output.read_until(b'\n', &mut line).unwrap() > 0 {
        // The last line may be cut: then its answer was not given.
        if let Some(id) = line.strip_suffix(b"\n").and_then(|line| line.strip_prefix(b"answered ")) {
            answered.insert(String::from_utf8(id.to_vec()).unwrap());
            count += 1;
            if count == lines {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    assert!(!child.wait().unwrap().success(), "the writer ends by being killed");
}
