//! HT-SHA-256-* (draft-schmaus-kitten-sasl-ht), the single round trip that XEP-0484 tokens are used with.

use nightjar_text::Text;
use subtle::ConstantTimeEq;

use crate::account::local_part;
use crate::{Offer, SaslFailure, ScramHash, Secret, Success, TokenBinding};

/// The client's message is read, its tokens are being looked up.
#[derive(Debug)]
pub(crate) struct TokenProof {
    pub(crate) username: Text,
    proof: Vec<u8>,
    binding_data: Vec<u8>,
}

impl TokenProof {
    pub(crate) fn read(
        input: &[u8],
        binding: TokenBinding,
        offer: &Offer,
    ) -> Result<TokenProof, SaslFailure> {
        let binding_data = match binding.channel_binding() {
            None => &[],
            Some(kind) => {
                offer.binding(kind).ok_or(SaslFailure::not_authorized("channel binding not available"))?
            }
        };
        // The proof is binary and may hold NUL, so the first one ends the name.
        let end = input.iter().position(|byte| *byte == 0).ok_or(SaslFailure::malformed("not two fields"))?;
        let (name, rest) = input.split_at(end);
        let proof = rest.get(1..).unwrap_or_default();
        if proof.len() != ScramHash::Sha256.size() {
            return Err(SaslFailure::malformed("proof has the wrong length"));
        }
        let name = std::str::from_utf8(name).map_err(|_| SaslFailure::malformed("not UTF-8 text"))?;
        Ok(TokenProof {
            username: local_part(name, &offer.host)?,
            proof: proof.to_vec(),
            binding_data: binding_data.to_vec(),
        })
    }

    /// Tries every token, in the same time whichever fits; `Success::token` is the index of the one that did.
    pub(crate) fn verify(self, tokens: &[Secret]) -> Result<Success, SaslFailure> {
        let mut accepted = None;
        for (index, token) in tokens.iter().enumerate() {
            let expected = self.hmac(token, b"Initiator");
            let fits = bool::from(expected.ct_eq(&self.proof)) && !token.is_empty();
            accepted = if fits { Some((index, token)) } else { accepted };
        }
        let Some((index, token)) = accepted else {
            return Err(SaslFailure::not_authorized("no such token"));
        };
        Ok(Success {
            additional_data: Some(self.hmac(token, b"Responder")),
            username: self.username,
            authzid: None,
            token: Some(index),
        })
    }

    fn hmac(&self, token: &Secret, role: &[u8]) -> Vec<u8> {
        ScramHash::Sha256.hmac(token.expose(), &[role, &self.binding_data])
    }
}
