//! What a machine has to say, in the order in which its driver gets it: bytes, then an event, then the end.

/// What the driver of a stream has to do. `E` are the machine's events, `D` says how the stream ended.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all outputs; a box would cost each an allocation"
)]
pub enum Output<E, D> {
    /// Write these bytes (WebSocket: as one text message).
    Send(Vec<u8>),
    /// Flush, then do the TLS handshake, then call `tls_established`. First give `handle_input` whatever was read
    /// already: bytes in the clear behind the agreement on TLS end the stream.
    StartTls,
    Event(E),
    /// Flush, then close the connection; the stream is over. No output follows.
    Close(D),
}
