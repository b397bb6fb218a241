//! Numbers in seven bits a byte, the lowest first: small ones, which most are, take one byte.

/// Pushes `number` to `out`.
#[inline]
pub(super) fn push(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number that stands at `at` of `bytes`, and where it ends; `None` if none does.
#[inline]
pub(super) fn read(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    read_long(bytes, at)
}

fn read_long(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some((number, at));
        }
    }
    None
}

/// A number that must fit a length in memory.
#[inline]
pub(super) fn read_len(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (number, at) = read(bytes, at)?;
    Some((usize::try_from(number).ok()?, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_what_is_no_number_is_refused() {
        for shift in 0..64 {
            for number in [1_u64 << shift, (1_u64 << shift) - 1, u64::MAX >> shift] {
                let mut out = vec![7];
                push(number, &mut out);
                assert_eq!(read(&out, 1), Some((number, out.len())));
                assert_eq!(read(&out[..out.len() - 1], 1), None, "cut short");
            }
        }
        assert_eq!(read(&[0xff; 9], 0), None);
        assert_eq!(read(&[0xff; 12], 0), None, "more than 64 bits");
        let mut too_much = vec![0xff; 9];
        too_much.push(2);
        assert_eq!(read(&too_much, 0), None, "the 65th bit");
    }
}
