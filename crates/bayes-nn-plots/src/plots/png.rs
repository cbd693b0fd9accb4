//! A bitmap of at most 256 colours as PNG in a data URI: small, and smooth when stretched.
//!
//! The image data are stored, not compressed: a surface of 100 x 100 cells has 10 kB, and an encoder stays one page.

/// `pixels` row by row from the top left, as indices into `palette`; neither width nor height may be 0.
pub(super) fn data_uri(
    (width, height): (usize, usize),
    pixels: &[u8],
    palette: &[[u8; 3]; 256],
) -> String {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width as u32, height as u32].map(u32::to_be_bytes).concat();
    // 8 bits a pixel, palette, then the only defined compression, filter and interlace methods.
    header.extend([8, 3, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"PLTE", palette.as_flattened());
    let mut rows = Vec::with_capacity(height * (width + 1));
    for row in pixels.chunks_exact(width) {
        rows.push(0); // no filter
        rows.extend_from_slice(row);
    }
    chunk(&mut png, b"IDAT", &zlib_stored(&rows));
    chunk(&mut png, b"IEND", &[]);
    format!("data:image/png;base64,{}", base64(&png))
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(kind);
    png.extend_from_slice(data);
    let crc = crc32(&png[start..]);
    png.extend(crc.to_be_bytes());
}

/// RFC 1950 around the stored blocks of RFC 1951.
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff);
    let last = blocks.len() - 1;
    for (i, block) in blocks.enumerate() {
        let len = block.len() as u16;
        out.push(u8::from(i == last));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            let carry = 0u32.wrapping_sub(crc & 1);
            crc >> 1 ^ 0xedb8_8320 & carry
        })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quartet = |bytes: &[u8]| {
        let word = (0..3).fold(0, |word, i| {
            word << 8 | u32::from(bytes.get(i).copied().unwrap_or(0))
        });
        let filled = bytes.len() + 1;
        (0..4).map(move |i| match i < filled {
            true => char::from(DIGITS[(word >> (18 - 6 * i) & 63) as usize]),
            false => '=',
        })
    };
    data.chunks(3).flat_map(quartet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_digits_are_those_of_their_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        for (data, text) in [
            (&b"foobar"[..], "Zm9vYmFy"),
            (b"fooba", "Zm9vYmE="),
            (b"foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(data), text);
        }
    }

    #[test]
    fn large_data_are_stored_in_several_blocks() {
        let data = vec![7; 70_000];
        let stored = zlib_stored(&data);
        assert_eq!(stored[2..7], [0, 0xff, 0xff, 0, 0]);
        assert_eq!(stored.len(), 2 + 5 + 0xffff + 5 + (70_000 - 0xffff) + 4);
    }
}
