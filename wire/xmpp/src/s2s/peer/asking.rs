//! Questions and answers of dialback, from either end (XEP-0220 §2.1, §2.2).

use super::*;
use crate::s2s::Verdict;
use crate::s2s::dialback::KEY_BYTES_MAX;
use crate::s2s::element::Kind;
use crate::stanza_error::StanzaError;

/// What both machines have to tell; each has events of its own for it.
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all events; a box would cost each an allocation"
)]
pub(in crate::s2s) enum Happened {
    Stanza(Stanza),
    Refused(Stanza),
    /// The peer wants a pair to be authorised on this stream, or a key to be verified.
    Asked {
        question: Question,
        stream_id: Text,
        key: Text,
    },
    Answered {
        question: Question,
        verdict: Verdict,
    },
}

impl<E: From<Happened>> Peer<E> {
    /// `refusal` is the answer to all requests, if the stream is not in a state to take any.
    pub(in crate::s2s) fn on_dialback(&mut self, frame: &Frame, refusal: Option<StanzaError>) -> Step {
        let (question, body) = Question::read(frame)?;
        match body {
            Body::Answer(verdict) => self.on_answer(question, verdict),
            Body::Key(key) => {
                match refusal.or_else(|| self.refuse_question(&question, &key)) {
                    Some(error) => self.put(question.write(&Body::Answer(Verdict::Error(error)))),
                    None if self.is_settled(&question) => {
                        self.put(question.write(&Body::Answer(Verdict::Valid)));
                    }
                    None => self.take_question(question, key),
                }
                Ok(())
            }
        }
    }

    fn take_question(&mut self, question: Question, key: Text) {
        self.theirs.push(question.clone());
        let stream_id = self.stream_id.clone();
        self.tell(Happened::Asked { question, stream_id, key }.into());
    }

    fn is_settled(&self, question: &Question) -> bool {
        question.kind == Kind::Result
            && self.pairs.contains(question.local.as_str(), question.remote.as_str())
    }

    /// §2.5: what cannot be asked does not end the stream.
    fn refuse_question(&self, question: &Question, key: &str) -> Option<StanzaError> {
        let full = question.kind == Kind::Result && self.pairs.len() >= self.settings.pairs_max;
        if key.is_empty() || key.len() > KEY_BYTES_MAX || question.local == question.remote {
            Some(StanzaError::not_acceptable())
        } else if self.theirs.contains(question) {
            Some(StanzaError::unexpected_request())
        } else if count(&self.theirs, question.kind) >= self.settings.pending_max
            || (full && !self.is_settled(question))
        {
            Some(StanzaError::resource_constraint())
        } else {
            None
        }
    }

    /// §3.1: an answer counts only if it was asked for, here, and only once.
    fn on_answer(&mut self, question: Question, verdict: Verdict) -> Step {
        let Some(at) = self.ours.iter().position(|asked| *asked == question) else {
            if self.is_settled(&question) && self.gives_stanzas() {
                return Ok(());
            }
            let text = "Dialback answer that was not asked for";
            return Err(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        };
        self.ours.swap_remove(at);
        let verdict = self.settle(&question, verdict);
        self.tell(Happened::Answered { question, verdict }.into());
        Ok(())
    }
}

impl<E> Peer<E> {
    /// Authorises the pair if that is the verdict and there is room for it.
    fn settle(&mut self, question: &Question, verdict: Verdict) -> Verdict {
        match (question.kind, verdict) {
            (Kind::Result, Verdict::Valid) if self.admit_pair(&question.local, &question.remote) => {
                self.deadline = None;
                Verdict::Valid
            }
            (Kind::Result, Verdict::Valid) => Verdict::Error(StanzaError::resource_constraint()),
            (_, verdict) => verdict,
        }
    }

    /// Asks the peer; `false` if too many questions are open, this one among them, or the key is too long.
    pub(in crate::s2s) fn ask(&mut self, question: Question, key: Text) -> bool {
        let room = count(&self.ours, question.kind) < self.settings.pending_max;
        if self.over || !room || key.len() > KEY_BYTES_MAX || self.ours.contains(&question) {
            return false;
        }
        self.put(question.write(&Body::Key(key)));
        self.ours.push(question);
        true
    }

    /// Answers the peer; `false` if it does not wait for that any more.
    pub(in crate::s2s) fn answer(&mut self, question: &Question, verdict: Verdict) -> bool {
        let Some(at) = self.theirs.iter().position(|asked| asked == question) else { return false };
        if self.over {
            return false;
        }
        self.theirs.swap_remove(at);
        let verdict = match (question.kind, self.settle(question, verdict)) {
            // §2.2.1: the other pairs of the stream shall not suffer.
            (Kind::Result, Verdict::Invalid) if !self.pairs.is_empty() => {
                Verdict::Error(StanzaError::forbidden())
            }
            (_, verdict) => verdict,
        };
        let ends = question.kind == Kind::Result && verdict == Verdict::Invalid;
        self.put(question.write(&Body::Answer(verdict)));
        if ends {
            self.close_with(End::DialbackInvalid);
        }
        true
    }
}

fn count(questions: &[Question], kind: Kind) -> usize {
    questions.iter().filter(|question| question.kind == kind).count()
}
