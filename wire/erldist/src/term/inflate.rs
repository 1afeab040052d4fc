use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Most bytes that are taken before any have come.
const FIRST_BYTES: usize = 16 * 1024;

/// Inflates a zlib stream that promises to give `size` bytes: them, and how many bytes the stream had. None where
/// it gives fewer or more. Memory grows with what really comes, not with the promise.
pub(super) fn inflate(input: &[u8], size: usize) -> Option<(Vec<u8>, usize)> {
    let flags =
        TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32 | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let mut output = vec![0; size.min(FIRST_BYTES)];
    let (mut taken, mut given) = (0, 0);
    loop {
        let rest = input.get(taken..)?;
        let (status, read, written) = decompress(&mut state, rest, &mut output, given, flags);
        taken += read;
        given += written;
        match status {
            TINFLStatus::Done => return (given == size).then_some((output, taken)),
            TINFLStatus::HasMoreOutput if output.len() < size => {
                let more = output.len().saturating_mul(2).clamp(1, size);
                output.resize(more, 0);
            }
            _ => return None,
        }
    }
}
