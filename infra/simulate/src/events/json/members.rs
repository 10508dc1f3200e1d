//! The parts of which JSON is made; every member ends with a comma.

pub(super) fn text(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(text.as_bytes());
}

/// A member of plain text, which needs no escapes.
pub(super) fn member(to: &mut Vec<u8>, name: &str, value: &str) {
    key(to, name);
    to.push(b'"');
    text(to, value);
    text(to, "\",");
}

pub(super) fn key(to: &mut Vec<u8>, name: &str) {
    to.push(b'"');
    text(to, name);
    text(to, "\":");
}

pub(super) fn number(to: &mut Vec<u8>, name: &str, value: u32) {
    key(to, name);
    decimal(to, value);
    to.push(b',');
}

pub(super) fn tenths(to: &mut Vec<u8>, name: &str, value: u32) {
    key(to, name);
    one_decimal(to, value);
    to.push(b',');
}

pub(super) fn one_decimal(to: &mut Vec<u8>, tenths: u32) {
    decimal(to, tenths / 10);
    to.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8]);
}

pub(super) fn quarters(to: &mut Vec<u8>, rate: u8) {
    key(to, "rate");
    decimal(to, u32::from(rate / 4));
    text(to, [".0,", ".25,", ".5,", ".75,"][usize::from(rate % 4)]);
}

pub(super) fn name(to: &mut Vec<u8>, member: &str, value: u64) {
    key(to, member);
    to.push(b'"');
    hex(to, value, 12);
    text(to, "\",");
}

pub(super) fn decimal(to: &mut Vec<u8>, mut value: u32) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    to.extend_from_slice(&digits[start..]);
}

pub(super) fn padded(to: &mut Vec<u8>, value: u32, width: usize) {
    let start = to.len();
    to.resize(start + width, b'0');
    let mut rest = value;
    for digit in to[start..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

pub(super) fn hex(to: &mut Vec<u8>, value: u64, digits: u32) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for digit in (0..digits).rev() {
        to.push(HEX[((value >> (4 * digit)) & 15) as usize]);
    }
}
